//! What is Rust's own: panics, dropped completions, errors, the order of drops.
use reflow::{Component, Context, Failure, Graph, Input, Network, Options, Peer, Runtime, Status, Value};
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

fn one_node(component: Component) -> (Runtime, Network) {
    let runtime = Runtime::new(Options::default()).unwrap();
    runtime.register(component.inport("in").outport("out").concurrency(4)).unwrap();
    let graph = Graph::load(r#"{"processes": {"n": {"component": "Own"}}, "connections": []}"#).unwrap();
    let network = Network::new(&runtime, &graph).unwrap();
    network.start().unwrap();
    (runtime, network)
}

fn only_letter(network: &Network) -> Value {
    network.inport("n.in").unwrap().send(1, None).unwrap();
    network.wait_idle(PATIENCE).unwrap();
    let letters = network.letters(9).unwrap();
    assert_eq!(letters.as_array().unwrap().len(), 1, "{letters:?}");
    letters.as_array().unwrap()[0].clone()
}

#[test]
fn a_panic_is_a_failed_firing() {
    let (_runtime, network) = one_node(Component::function("Own", |_, _| panic!("on {}", "purpose")));
    let letter = only_letter(&network);
    assert_eq!(letter.get("message"), Some(&Value::from("panic: on purpose")));
    assert_eq!(letter.get("status"), Some(&Value::from("REFLOW_ERROR_HOST")));
}

#[test]
fn a_completion_that_is_dropped_fails() {
    let (_runtime, network) = one_node(Component::function("Own", |context, _| {
        drop(context.defer()?);
        Ok(())
    }));
    let letter = only_letter(&network);
    assert_eq!(letter.get("message"), Some(&Value::from("the firing was dropped without an end")));
}

#[test]
fn a_panic_in_the_making_of_a_node_is_an_error() {
    let runtime = Runtime::new(Options::default()).unwrap();
    runtime.register(Component::new("Own", |node, _| panic!("no {node}"))).unwrap();
    let graph = Graph::load(r#"{"processes": {"n": {"component": "Own"}}, "connections": []}"#).unwrap();
    let error = Network::new(&runtime, &graph).err().unwrap();
    assert!(error.message.contains("panic: no n"), "{error}");
    assert_eq!((error.status, error.node.as_str()), (Status::HOST, "n"));
}

#[test]
fn errors_have_status_and_hint() {
    let (_runtime, network) = one_node(Component::function("Own", |_, _| Err(Failure::new("x"))));
    let error = network.inport("n.inn").err().unwrap();
    assert_eq!((error.status, error.hint.as_str()), (Status::NOT_FOUND, "did you mean 'in'?"));
    assert!(error.to_string().contains("did you mean 'in'?"));
}

#[test]
fn handles_end_in_any_order() {
    let (runtime, network) = one_node(Component::function("Own", |context, inputs| {
        Ok(context.emit("out", inputs[0].value.clone())?)
    }));
    let mut output = network.open_output("n.out").unwrap();
    drop(runtime);
    network.inport("n.in").unwrap().send("x", None).unwrap();
    assert_eq!(output.receive(PATIENCE).unwrap().0, Value::from("x"));
    drop(network);
    assert_eq!(output.receive(PATIENCE).err().unwrap().status, Status::CLOSED);
}

/// A value that is nested so deep that following it would overflow the stack. It is never dropped, which would, too.
fn deep(levels: usize) -> Value {
    let mut value = Value::from(1);
    for level in 0..levels {
        value = if level % 2 == 0 { Value::Array(vec![value]) } else { Value::Object(vec![("k".into(), value)]) };
    }
    value
}

#[test]
fn a_value_that_is_nested_too_deep_is_refused() {
    let (_runtime, network) = one_node(Component::function("Own", |context, inputs| {
        Ok(context.emit("out", inputs[0].value.clone())?)
    }));
    let mut output = network.open_output("n.out").unwrap();
    let inport = network.inport("n.in").unwrap();
    inport.send(deep(128), None).unwrap();
    assert_eq!(output.receive(PATIENCE).unwrap().0, deep(128));
    for levels in [129, 1000] {
        let error = inport.send(deep(levels), None).err().unwrap();
        assert_eq!((error.status, error.message.as_str()), (Status::LIMIT, "nested deeper than 128 levels"), "{error}");
    }
    let far = std::mem::ManuallyDrop::new(deep(1_000_000));
    assert_eq!(far.to_json().err().unwrap().status, Status::LIMIT);
    assert_eq!(network.add_node("m", "Own", Some(&far)).err().unwrap().status, Status::LIMIT);
}

/// Borrows keep a handle from ending beside a call of it; threads that share it are waited for.
#[test]
fn handles_are_shared_and_end_after_their_last_call() {
    let (_runtime, network) = one_node(Component::function("Own", |context, inputs| {
        Ok(context.emit("out", inputs[0].value.clone())?)
    }));
    let events = network.subscribe(&["ActorFailed"]).unwrap();
    let network = Arc::new(network);
    let sends = network.clone();
    let sending = std::thread::spawn(move || loop {
        if let Err(error) = sends.inport("n.in").and_then(|inport| inport.send(1, None)) {
            return error.status;
        }
    });
    let waiting = std::thread::spawn(move || events.next(1, PATIENCE).err().unwrap().status);
    network.stop(PATIENCE).unwrap();
    drop(network);
    let why = sending.join().unwrap();
    assert!(why == Status::CLOSED || why.name() == "REFLOW_ERROR_INVALID_STATE", "{}", why.name());
    assert_eq!(waiting.join().unwrap(), Status::CLOSED);
}

/// An actor that gathers the stream it is sent, on a thread of its own.
fn gathers() -> (Arc<Runtime>, Network) {
    let runtime = Arc::new(Runtime::new(Options::default()).unwrap());
    let for_actor = Arc::downgrade(&runtime);
    let gather = move |context: &mut Context, inputs: &[Input]| {
        let Value::Stream(stream) = inputs[0].value.clone() else { return Err(Failure::new("not a stream")) };
        let runtime = for_actor.upgrade().ok_or(Failure::new("the runtime has ended"))?;
        let mut reader = runtime.accept(&stream)?;
        let firing = context.defer()?;
        std::thread::spawn(move || {
            let gathered = reader.collect(0, PATIENCE);
            let _ = match gathered {
                Ok(data) => firing.emit("out", data).and_then(|_| firing.resolve()),
                Err(error) => firing.fail(Failure::new(error.message)),
            };
        });
        Ok(())
    };
    runtime.register(Component::function("Gather", gather).inport("in").outport("out")).unwrap();
    let graph = Graph::load(r#"{"processes": {"n": {"component": "Gather"}}, "connections": []}"#).unwrap();
    let network = Network::new(&runtime, &graph).unwrap();
    (runtime, network)
}

#[test]
fn a_stream_arrives_whole_and_in_order() {
    let (runtime, network) = gathers();
    let mut output = network.open_output("n.out").unwrap();
    network.start().unwrap();
    let (mut writer, stream) = runtime.open_stream("text/plain").unwrap();
    let mut observer = runtime.observe(&stream).unwrap();
    network.inport("n.in").unwrap().send(stream, None).unwrap();
    let mut all = Vec::new();
    for number in 0..1000 {
        let line = format!("line {number}\n").into_bytes(); // 64 of them fit: writing waits for the reader
        writer.write(&line, PATIENCE).unwrap();
        all.extend(line);
    }
    writer.end().unwrap();
    assert_eq!(output.receive(PATIENCE).unwrap().0, Value::Bytes(all));
    let begin = observer.begin().unwrap();
    assert_eq!(begin.get("content_type"), Some(&Value::from("text/plain")));
    let mut seen = 0;
    while observer.read(PATIENCE).unwrap().is_some() {
        seen += 1;
    }
    assert_eq!(seen + observer.missed(), 1000);
    assert_eq!(observer.read(PATIENCE).err().unwrap().status, Status::CLOSED);
}

#[test]
fn a_stream_that_fails_or_is_dropped_tells_its_reader() {
    let (runtime, network) = gathers();
    network.start().unwrap();
    for (end, expected) in [("fail", "no more"), ("drop", "the producer ended without an end")] {
        let (mut writer, stream) = runtime.open_stream("").unwrap();
        network.inport("n.in").unwrap().send(stream.clone(), None).unwrap();
        writer.write(b"some", PATIENCE).unwrap();
        if end == "fail" { writer.fail("no more").unwrap() } else { drop(writer) }
        network.wait_idle(PATIENCE).unwrap();
        let letters = network.letters(9).unwrap();
        let last = letters.as_array().unwrap().last().unwrap();
        assert!(last.get("message").unwrap().as_text().unwrap().contains(expected), "{last:?}");
        assert_eq!(runtime.accept(&stream).err().unwrap().status.name(), "REFLOW_ERROR_ALREADY_EXISTS");
    }
}

#[test]
fn a_stream_that_nobody_reads_is_closed() {
    let runtime = Runtime::new(Options::default()).unwrap();
    let (mut writer, stream) = runtime.open_stream("").unwrap();
    drop(runtime.accept(&stream).unwrap());
    assert_eq!(writer.write(b"x", PATIENCE).err().unwrap().status, Status::CLOSED);
}

#[test]
fn peers_send_to_each_other() {
    let (there, network) = one_node(Component::function("Own", |context, inputs| {
        let heard = format!("heard {}", inputs[0].value.as_text().unwrap_or("nothing"));
        Ok(context.emit("out", heard)?)
    }));
    let mut output = network.open_output("n.out").unwrap();
    let place = "bind_address = '127.0.0.1'\nbind_port = 0\nauth_token = 't'\n";
    let studio = Peer::new(&there, &format!("network_id = 'studio'\n{place}")).unwrap();
    studio.attach(&network).unwrap();
    studio.start().unwrap();
    let here = Runtime::new(Options::default()).unwrap();
    let kiln = Peer::new(&here, &format!("network_id = 'kiln'\n{place}")).unwrap();
    kiln.start().unwrap();
    let endpoint = format!("127.0.0.1:{}", studio.port());
    assert_eq!(kiln.connect(&endpoint, PATIENCE).unwrap(), "studio");
    for text in ["one", "two"] {
        kiln.send("studio", "n.in", text, PATIENCE).unwrap();
        assert_eq!(output.receive(PATIENCE).unwrap().0, Value::from(format!("heard {text}")));
    }
    assert_eq!(kiln.send("nowhere", "n.in", 1, PATIENCE).err().unwrap().status, Status::NOT_FOUND);
    let wrong = Peer::new(&here, "network_id = 'x'\nbind_port = 0\nauth_tokn = 't'").err().unwrap();
    assert_eq!((wrong.line, wrong.hint.as_str()), (3, "did you mean 'auth_token'?"));
}
