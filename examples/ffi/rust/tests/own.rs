//! What is Rust's own: panics, dropped completions, errors, the order of drops.
use reflow::{Component, Failure, Graph, Network, Options, Runtime, Status, Value};
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
