//! Runs the graph of examples/weather with its node "alerts" replaced by an actor in Rust, prints the events of
//! the run, and compares the alerts that were written with what it computes from the CSV itself.
//!
//!     cargo run --example weather -- [GRAPH [OUTPUT_FOLDER]]
use reflow::{Actor, Component, Context, Failure, Graph, Input, Network, Options, Runtime, Status, Value};
use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Two rules for each row. The thresholds are in the configuration of the node.
struct Alerts {
    rules: [(&'static str, f64); 2],
}

impl Alerts {
    fn new(_node: &str, config: &Value) -> Result<Box<dyn Actor>, Failure> {
        let threshold = |rule: &'static str| {
            let value = config.get(rule).and_then(Value::as_float);
            value.map(|value| (rule, value)).ok_or_else(|| Failure::new(format!("'{rule}' is no number")))
        };
        Ok(Box::new(Alerts { rules: [threshold("wind")?, threshold("precipitation")?] }))
    }
}

impl Actor for Alerts {
    fn run(&mut self, context: &mut Context, inputs: &[Input]) -> Result<(), Failure> {
        let row = &inputs[0].value;
        for (rule, threshold) in self.rules {
            let value = row.get(rule).and_then(Value::as_float);
            let value = value.ok_or_else(|| Failure::new(format!("the row has no number '{rule}'")))?;
            if value >= threshold {
                let date = row.get("date").cloned().unwrap_or(Value::Null);
                let fields = [("date", date), ("rule", rule.into()), ("value", value.into())];
                let alert: Vec<_> = fields.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
                context.emit("matched", alert)?;
            }
        }
        Ok(())
    }
}

/// Plays the graph and returns how often each kind of event came.
fn run(path: &str, folder: &str) -> reflow::Result<HashMap<&'static str, usize>> {
    let runtime = Runtime::new(Options::default())?;
    runtime.register(Component::new("AlertsInRust", Alerts::new).inport("in").outport("matched"))?;
    let mut graph = Graph::load_file(path)?;
    graph.set_component("alerts", "AlertsInRust")?;
    for writer in ["summary", "alerts_file", "rejects", "chart"] {
        graph.set_config(writer, "folder", folder)?;
    }
    let network = Network::new(&runtime, &graph)?;
    let events = network.subscribe(&[])?;
    std::thread::scope(|scope| {
        let listener = scope.spawn(|| {
            let mut counts = HashMap::new();
            loop {
                match events.next(64, MINUTE) {
                    Ok(batch) => batch.iter().for_each(|event| {
                        println!("{} {} {}", event.kind, event.node, event.error);
                        *counts.entry(event.kind).or_insert(0) += 1;
                    }),
                    Err(error) if error.status == Status::CLOSED => return counts, // the network has stopped
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let played = network.start().and_then(|()| network.drain(MINUTE));
        network.stop(MINUTE)?;
        let counts = listener.join().expect("the listener");
        played.map(|()| counts)
    })
}

/// The alerts in the CSV, counted without reflow by the thresholds of the graph.
fn expected(path: &Path) -> Result<usize, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().ok_or("an empty file")?.split(',').collect();
    let column = |name| names.iter().position(|other| *other == name).ok_or("a column is missing");
    let (wind, precipitation) = (column("wind")?, column("precipitation")?);
    let mut count = 0;
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        count += usize::from(fields[wind].parse::<f64>()? >= 9.0);
        count += usize::from(fields[precipitation].parse::<f64>()? >= 50.0);
    }
    Ok(count)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let path = arguments.get(1).map_or("../../weather/weather.graph.json", String::as_str);
    let folder = arguments.get(2).map_or("target/weather", String::as_str);
    let counts = run(path, folder)?;
    let written = std::fs::read_to_string(Path::new(folder).join("alerts.jsonl"))?.lines().count();
    let wanted = expected(&Path::new(path).with_file_name("seattle-weather.csv"))?;
    println!("{written} alerts in {folder}/alerts.jsonl");
    if written != wanted || wanted == 0 {
        return Err(format!("{written} alerts were written, and the data has {wanted}").into());
    }
    let of = |kind| counts.get(kind).copied().unwrap_or(0);
    if (of("NetworkStarted"), of("NetworkShutdown"), of("ActorFailed")) != (1, 1, 0) {
        return Err(format!("the events are {counts:?}").into());
    }
    Ok(())
}
