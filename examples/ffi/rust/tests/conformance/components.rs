//! The components of the scenarios, in Rust. tests/conformance/README.md says what each does.
use reflow::{Actor, Await, Completion, Component, Context, Failure, Input, Value};
use std::thread;

type Ran = Result<(), Failure>;

fn emit(context: &mut Context, value: impl Into<Value>) -> Ran {
    Ok(context.emit("out", value)?)
}

fn double(context: &mut Context, inputs: &[Input]) -> Ran {
    match inputs[0].value {
        Value::Int(number) => emit(context, 2 * number),
        Value::Float(number) => emit(context, 2.0 * number),
        _ => Err(Failure::new("not a number").hint("send an integer or a float")),
    }
}

fn add(context: &mut Context, inputs: &[Input]) -> Ran {
    match (&inputs[0].value, &inputs[1].value) {
        (Value::Int(a), Value::Int(b)) => emit(context, a + b),
        _ => Err(Failure::new("not two integers")),
    }
}

fn pair(context: &mut Context, first: (&str, Value), second: (&str, Value)) -> Ran {
    emit(context, vec![(first.0.to_string(), first.1), (second.0.to_string(), second.1)])
}

fn fail_on_odd(context: &mut Context, inputs: &[Input]) -> Ran {
    match inputs[0].value.as_int() {
        Some(number) if number % 2 == 0 => emit(context, number),
        Some(number) => Err(Failure::new(format!("odd: {number}")).hint("send even numbers")),
        None => Err(Failure::new("not an integer")),
    }
}

fn emit_then_fail(context: &mut Context, inputs: &[Input]) -> Ran {
    emit(context, inputs[0].value.clone())?;
    Err(Failure::new("failed after its output"))
}

fn split(context: &mut Context, inputs: &[Input]) -> Ran {
    for value in inputs[0].value.as_array().unwrap_or(&[]) {
        emit(context, value.clone())?;
    }
    Ok(())
}

/// Ends the firing on another thread.
fn later(context: &mut Context, inputs: &[Input]) -> Ran {
    let (completion, value) = (context.defer()?, inputs[0].value.clone());
    thread::spawn(move || match value {
        Value::Int(number) if number < 0 => {
            let _ = completion.fail(Failure::new(format!("negative: {number}")).hint("send numbers from 0 up"));
        }
        value => {
            let _ = completion.emit("out", value);
            let _ = completion.resolve();
        }
    });
    Ok(())
}

struct Never(Vec<Completion>);
impl Actor for Never {
    fn run(&mut self, context: &mut Context, _: &[Input]) -> Ran {
        self.0.push(context.defer()?);
        Ok(())
    }
}

struct Total(i64);
impl Actor for Total {
    fn run(&mut self, context: &mut Context, inputs: &[Input]) -> Ran {
        self.0 += inputs[0].value.as_int().ok_or(Failure::new("not an integer"))?;
        emit(context, self.0)
    }
}

struct FailFirst(i64);
impl Actor for FailFirst {
    fn run(&mut self, context: &mut Context, inputs: &[Input]) -> Ran {
        if self.0 > 0 {
            self.0 -= 1;
            return Err(Failure::new("not yet"));
        }
        emit(context, inputs[0].value.clone())
    }
}

/// A source: the numbers from next on, up to end.
struct Count {
    next: i64,
    end: i64,
}
impl Actor for Count {
    fn run(&mut self, context: &mut Context, _: &[Input]) -> Ran {
        if self.next == self.end {
            return Ok(());
        }
        self.next += 1;
        context.again()?;
        emit(context, self.next - 1)
    }
}

struct SetupFails;
impl Actor for SetupFails {
    fn run(&mut self, _: &mut Context, _: &[Input]) -> Ran {
        Ok(())
    }
    fn setup(&mut self) -> Ran {
        Err(Failure::new("no such device"))
    }
}

fn number(config: &Value, key: &str) -> i64 {
    config.get(key).and_then(Value::as_int).unwrap_or(0)
}

fn boxed(actor: impl Actor + 'static) -> Result<Box<dyn Actor>, Failure> {
    Ok(Box::new(actor))
}

fn simple(component: Component) -> Component {
    component.inport("in").outport("out")
}

pub fn all() -> Vec<Component> {
    vec![
        simple(Component::function("Pass", |context, inputs| emit(context, inputs[0].value.clone()))),
        simple(Component::function("Double", double)),
        simple(Component::function("FailOnOdd", fail_on_odd)),
        simple(Component::function("EmitThenFail", emit_then_fail)),
        simple(Component::function("Split", split)),
        simple(Component::function("Later", later)).concurrency(8),
        simple(Component::function("Config", |context, _| {
            let config = context.config();
            emit(context, config)
        })),
        simple(Component::new("Never", |_, _| boxed(Never(Vec::new())))).concurrency(8),
        simple(Component::new("Total", |_, config| boxed(Total(number(config, "start"))))),
        simple(Component::new("FailFirst", |_, config| boxed(FailFirst(number(config, "times"))))),
        simple(Component::new("SetupFails", |_, _| boxed(SetupFails))),
        Component::new("Count", |_, config| boxed(Count { next: 0, end: number(config, "n") })).outport("out"),
        Component::new("Endless", |_, _| boxed(Count { next: 0, end: -1 })).outport("out"),
        Component::function("Add", add).inport("a").inport("b").outport("out").awaits(Await::All),
        Component::function("Latest", |context, inputs| {
            pair(context, ("a", inputs[0].value.clone()), ("b", inputs[1].value.clone()))
        })
        .required_inport("a")
        .inport("b")
        .outport("out")
        .awaits(Await::Required),
        Component::function("Indexed", |context, inputs| {
            let index = inputs[0].index.map_or(Value::Null, Value::from);
            pair(context, ("index", index), ("value", inputs[0].value.clone()))
        })
        .array_inport("in")
        .outport("out"),
    ]
}
