//! Plays the scenarios that all languages play; tests/conformance/README.md has their format.
mod components;
mod steps;
mod values;

use reflow::{Error, Graph, Network, Options, Output, Result, Runtime, Subscription, Value};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_secs(10);
const KEYS: [&str; 11] = [
    "name", "about", "graph", "document", "format", "runtime", "envelopes", "outputs", "events", "refused", "steps",
];

/// What a step says when something is not as it has to be.
pub type Played = std::result::Result<(), String>;

pub struct Player {
    pub network: Network,
    pub outputs: HashMap<String, Output>,
    pub events: Option<Subscription>,
}

pub fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_text).unwrap_or("")
}

pub fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).unwrap_or(&[])
}

/// Whether an error is the one that a refusal describes.
pub fn check_refusal<T>(refusal: &Value, result: Result<T>) -> Played {
    let Err(error) = result else { return Err(format!("it works, and {refusal:?} was expected")) };
    let parts = match refusal.get("message") {
        Some(Value::Array(parts)) => parts.clone(),
        Some(part) => vec![part.clone()],
        None => Vec::new(),
    };
    let missing = parts.iter().any(|part| !error.message.contains(part.as_text().unwrap_or("")));
    let status = text(refusal, "status");
    if missing || !status.is_empty() && status != error.status.name() || !same_place(refusal, &error) {
        return Err(format!("{error:?} is not {refusal:?}"));
    }
    Ok(())
}

fn same_place(refusal: &Value, error: &Error) -> bool {
    let texts = [("hint", &error.hint), ("node", &error.node), ("port", &error.port), ("path", &error.path)];
    let numbers = [("line", error.line), ("column", error.column)];
    texts.iter().all(|(key, got)| refusal.get(key).is_none() || text(refusal, key) == got.as_str())
        && numbers.iter().all(|(key, got)| refusal.get(key).map_or(true, |want| *want == Value::from(*got)))
}

fn load(scenario: &Value) -> Result<Graph> {
    let document = text(scenario, "document");
    match (scenario.get("graph"), text(scenario, "format")) {
        (Some(graph), _) => Graph::load(&graph.to_json()?),
        (None, "yaml") => Graph::load_yaml(document),
        _ => Graph::load(document),
    }
}

fn listen(scenario: &Value, network: Network) -> Result<Player> {
    let mut outputs = HashMap::new();
    for place in list(scenario, "outputs") {
        let place = place.as_text().unwrap_or("");
        outputs.insert(place.to_string(), network.open_output(place)?);
    }
    if scenario.get("envelopes") == Some(&Value::Bool(true)) {
        network.carry_envelopes()?;
    }
    let mut events = None;
    if scenario.get("events").is_some() {
        let kinds: Vec<&str> = list(scenario, "events").iter().filter_map(Value::as_text).collect();
        events = Some(network.subscribe(&kinds)?);
    }
    Ok(Player { network, outputs, events })
}

fn said(error: Error) -> String {
    error.to_string()
}

fn play(source: &str) -> Played {
    let scenario = Value::from_json(source).map_err(said)?;
    if let Value::Object(fields) = &scenario {
        if let Some((key, _)) = fields.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            return Err(format!("a scenario has no key '{key}'"));
        }
    }
    let number = |key| scenario.get("runtime").and_then(|about| about.get(key)).and_then(Value::as_int).unwrap_or(0);
    let options = Options { workers: 2, port_capacity: number("port_capacity") as u32, check_types: false };
    let runtime = Runtime::new(options).map_err(said)?;
    for component in components::all() {
        runtime.register(component).map_err(said)?;
    }
    let refusal = scenario.get("refused").cloned().unwrap_or(Value::Null);
    let ends = |phase| text(&refusal, "at") == phase;
    let graph = load(&scenario);
    if ends("load") {
        return check_refusal(&refusal, graph);
    }
    let network = Network::new(&runtime, &graph.map_err(said)?);
    if ends("create") {
        return check_refusal(&refusal, network);
    }
    let mut player = listen(&scenario, network.map_err(said)?).map_err(said)?;
    let started = player.network.start();
    if ends("start") {
        return check_refusal(&refusal, started);
    }
    started.map_err(said)?;
    for (number, step) in list(&scenario, "steps").iter().enumerate() {
        steps::play(&mut player, step).map_err(|what| format!("step {}: {what}", number + 1))?;
    }
    Ok(())
}

#[test]
fn conformance() {
    let folder = std::env::var_os("REFLOW_SCENARIOS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/conformance/scenarios"),
        PathBuf::from,
    );
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("scenarios").map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    assert!(files.len() >= 30, "only {} scenarios in {folder:?}", files.len());
    let mut failed = 0;
    for file in &files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        match play(&std::fs::read_to_string(file).unwrap()) {
            Ok(()) => println!("ok {name}"),
            Err(what) => {
                eprintln!("{name}: {what}");
                failed += 1;
            }
        }
    }
    assert_eq!(failed, 0, "of {} scenarios", files.len());
}
