//! The steps of the scenarios.
use crate::values::value;
use crate::{check_refusal, list, said, text, Played, Player, PATIENCE};
use reflow::{Envelope, Event, Graph, Output, Result, Status, Value};
use std::time::Duration;

/// What a call gave, compared with what the step expects of it.
fn settle<T>(step: &Value, result: Result<T>) -> std::result::Result<Option<T>, String> {
    match step.get("refused") {
        Some(refusal) => check_refusal(refusal, result).map(|()| None),
        None => result.map(Some).map_err(said),
    }
}

fn done<T>(step: &Value, result: Result<T>) -> Played {
    settle(step, result).map(drop)
}

fn number(step: &Value, key: &str) -> Option<u64> {
    step.get(key).and_then(Value::as_int).map(|number| number as u64)
}

fn counted(step: &Value, key: &str, result: Result<u64>) -> Played {
    match (settle(step, result)?, number(step, key)) {
        (Some(got), Some(want)) if got != want => Err(format!("{got} and not {want}")),
        _ => Ok(()),
    }
}

pub fn play(player: &mut Player, step: &Value) -> Played {
    let Value::Object(fields) = step else { return Err("a step is an object".into()) };
    let net = &player.network;
    let (verb, argument) = (fields[0].0.as_str(), fields[0].1.as_text().unwrap_or(""));
    let config = step.get("metadata").map(value);
    let component = text(step, "component");
    let count = |result: Result<usize>| counted(step, "count", result.map(|count| count as u64));
    match verb {
        "send" => done(step, send(player, step)),
        "receive" => receive(player, step),
        "idle" => done(step, net.wait_idle(PATIENCE)),
        "drain" => done(step, net.drain(PATIENCE)),
        "stop" => done(step, net.stop(PATIENCE)),
        "end_sources" => done(step, net.end_sources()),
        "closed" => nothing_more(output(player, argument)?, true),
        "open" => {
            if let Some(output) = settle(step, net.open_output(argument))? {
                player.outputs.insert(argument.into(), output);
            }
            Ok(())
        }
        "events" => events(player, step),
        "counters" => counters(player, step),
        "state" if net.state() == argument => Ok(()),
        "state" => Err(format!("the network is {}", net.state())),
        "letters" => letters(player, step),
        "replay_letters" => count(net.replay_letters(argument)),
        "drop_letters" => count(net.drop_letters(argument)),
        "cancel" => count(net.cancel(argument)),
        "pause" => done(step, net.pause(argument, PATIENCE)),
        "resume" => done(step, net.resume(argument)),
        "step" => counted(step, "fired", net.step(argument, number(step, "firings").unwrap_or(1), PATIENCE)),
        "add_node" => done(step, net.add_node(argument, component, config.as_ref())),
        "replace_node" => done(step, net.replace_node(argument, component, config.as_ref())),
        "remove_node" => done(step, net.remove_node(argument)),
        "connect" | "disconnect" => {
            let places: Vec<&str> = list(step, verb).iter().filter_map(Value::as_text).collect();
            let connect = verb == "connect";
            done(step, if connect { net.connect(places[0], places[1]) } else { net.disconnect(places[0], places[1]) })
        }
        "apply" => apply(player, step),
        _ => Err(format!("this runner does not know the step '{verb}'")),
    }
}

fn envelope(step: &Value) -> Envelope {
    let deadline_ms = step.get("deadline_ms").and_then(Value::as_int).unwrap_or(0);
    Envelope { correlation: text(step, "correlation").into(), deadline_ms }
}

fn send(player: &Player, step: &Value) -> Result<()> {
    let inport = player.network.inport(text(step, "send"))?;
    let envelope = step.get("envelope").map(envelope);
    list(step, "values").iter().try_for_each(|notation| inport.send(value(notation), envelope.as_ref()))
}

fn output<'a>(player: &'a mut Player, place: &str) -> std::result::Result<&'a mut Output, String> {
    player.outputs.get_mut(place).ok_or_else(|| format!("the output '{place}' is not open"))
}

fn nothing_more(output: &mut Output, closed: bool) -> Played {
    match output.receive(Duration::ZERO) {
        Ok((more, _)) => Err(format!("there is {more:?} too")),
        Err(error) if error.status == Status::CLOSED => Ok(()),
        Err(error) if error.status == Status::WOULD_BLOCK && !closed => Ok(()),
        Err(error) => Err(said(error)),
    }
}

/// Where the thing is that fits: only the first one counts, unless the order is free.
fn find<T>(rest: &[T], any_order: bool, fits: impl Fn(&T) -> bool) -> Option<usize> {
    let rest = if any_order { rest } else { &rest[..rest.len().min(1)] };
    rest.iter().position(fits)
}

fn receive(player: &mut Player, step: &Value) -> Played {
    let output = output(player, text(step, "receive"))?;
    let any_order = text(step, "order") == "any";
    let mut expected: Vec<Value> = list(step, "values").iter().map(value).collect();
    let envelopes = list(step, "envelopes");
    for number in 0..expected.len() {
        let (got, with) = output.receive(PATIENCE).map_err(said)?;
        let found = find(&expected, any_order, |want| *want == got);
        expected.remove(found.ok_or_else(|| format!("message {} is {got:?}, which is not expected", number + 1))?);
        if envelopes.get(number).is_some_and(|want| envelope(want) != with) {
            return Err(format!("the envelope of message {} is {with:?}", number + 1));
        }
    }
    nothing_more(output, false)
}

fn counters(player: &Player, step: &Value) -> Played {
    let Some(got) = settle(step, player.network.counters(text(step, "counters")))? else { return Ok(()) };
    let counts = [
        ("fired", got.fired), ("received", got.received), ("sent", got.sent), ("failed", got.failed),
        ("dropped", got.dropped), ("waiting", got.waiting),
    ];
    match counts.iter().find(|(key, count)| number(step, key).is_some_and(|want| want != *count)) {
        Some((key, count)) => Err(format!("{key} is {count}")),
        None => Ok(()),
    }
}

fn is_event(want: &Value, got: &Event) -> bool {
    let texts = [
        ("kind", got.kind), ("node", &got.node), ("component", &got.component), ("port", &got.port),
        ("peer", &got.peer), ("peer_port", &got.peer_port),
    ];
    texts.iter().all(|(key, text)| want.get(key).is_none() || want.get(key).unwrap().as_text() == Some(text))
        && got.error.contains(text(want, "error"))
        && number(want, "count").map_or(true, |count| count == got.count)
        && want.get("message").map_or(true, |notation| value(notation) == got.message)
}

fn events(player: &Player, step: &Value) -> Played {
    let subscription = player.events.as_ref().ok_or("the scenario subscribes to no events")?;
    let any_order = text(step, "order") == "any";
    let mut expected = list(step, "events").to_vec();
    while !expected.is_empty() {
        let got = subscription.next(1, PATIENCE).map_err(|error| format!("{error}, without {:?}", expected[0]))?;
        let found = find(&expected, any_order, |want| is_event(want, &got[0]));
        expected.remove(found.ok_or_else(|| format!("{:?} is not expected", got[0]))?);
    }
    match subscription.next(1, Duration::ZERO) {
        Ok(more) => Err(format!("{more:?} came, too")),
        Err(_) => Ok(()),
    }
}

fn same_packets(want: &[Value], got: &[Value]) -> bool {
    want.len() == got.len()
        && want.iter().zip(got).all(|(want, got)| {
            text(want, "port") == text(got, "port") && want.get("message").map(value).as_ref() == got.get("message")
        })
}

fn letters(player: &Player, step: &Value) -> Played {
    let letters = player.network.letters(1000).map_err(said)?;
    let (want, got) = (list(step, "letters"), letters.as_array().unwrap_or(&[]));
    if want.len() != got.len() {
        return Err(format!("{} letters wait", got.len()));
    }
    for (want, got) in want.iter().zip(got) {
        let Value::Object(fields) = want else { continue };
        let right = |(key, field): &(String, Value)| match key.as_str() {
            "message" => text(got, key).contains(field.as_text().unwrap_or("")),
            "packets" => same_packets(list(want, key), list(got, key)),
            _ => got.get(key) == Some(field),
        };
        if !fields.iter().all(right) {
            return Err(format!("{got:?} is not {want:?}"));
        }
    }
    Ok(())
}

fn apply(player: &Player, step: &Value) -> Played {
    let document = step.get("apply").unwrap_or(&Value::Null).to_json();
    let result = document.and_then(|text| Graph::load(&text)).and_then(|graph| player.network.apply(&graph));
    let Some(change) = settle(step, result)? else { return Ok(()) };
    let counts = [
        ("nodes_added", change.added), ("nodes_removed", change.removed), ("nodes_replaced", change.replaced),
        ("nodes_kept", change.kept),
    ];
    let expected = step.get("change").cloned().unwrap_or(Value::Null);
    match counts.iter().find(|(key, count)| number(&expected, key).is_some_and(|want| want != *count)) {
        Some((key, count)) => Err(format!("{key} is {count}")),
        None => Ok(()),
    }
}
