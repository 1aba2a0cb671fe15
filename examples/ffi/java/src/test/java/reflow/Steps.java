package reflow;

import static reflow.Conformance.list;
import static reflow.Conformance.map;
import static reflow.Conformance.same;
import static reflow.Conformance.text;
import static reflow.Conformance.value;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import reflow.Conformance.Wrong;

/** The steps of the conformance scenarios. */
final class Steps implements AutoCloseable {
    private static final long PATIENCE = 10_000;
    private final Network network;
    private final Map<String, Output> outputs = new HashMap<>();
    private final Subscription events;
    private int number;

    Steps(Network network, Map<String, Object> scenario) {
        this.network = network;
        for (Object place : list(scenario.get("outputs"))) {
            outputs.put((String) place, network.openOutput((String) place));
        }
        if (Boolean.TRUE.equals(scenario.get("envelopes"))) network.carryEnvelopes();
        List<Object> kinds = list(scenario.get("events"));
        boolean listens = scenario.containsKey("events");
        events = listens ? network.subscribe(kinds.stream().map(kind -> (String) kind).toList()) : null;
    }

    @Override
    public void close() {
        outputs.values().forEach(Output::close);
        if (events != null) events.close();
    }

    void play(Map<String, Object> step) {
        ++number;
        try {
            if (step.containsKey("refused")) {
                Conformance.refused(map(step.get("refused")), () -> call(step));
            } else {
                call(step);
            }
        } catch (Wrong | ReflowException wrong) {
            throw new Wrong("step " + number + ": " + wrong.getMessage());
        }
    }

    private void call(Map<String, Object> step) {
        String verb = step.keySet().iterator().next();
        String argument = text(step, verb);
        switch (verb) {
            case "send" -> send(step);
            case "receive" -> receive(step);
            case "idle" -> network.waitIdle(PATIENCE);
            case "drain" -> network.drain(PATIENCE);
            case "stop" -> network.stop(PATIENCE);
            case "end_sources" -> network.endSources();
            case "closed" -> nothingMore(output(argument), true);
            case "open" -> outputs.put(argument, network.openOutput(argument));
            case "events" -> events(step);
            case "counters" -> counters(step);
            case "state" -> {
                if (!network.state().equals(argument)) throw new Wrong("the network is " + network.state());
            }
            case "letters" -> letters(step);
            case "replay_letters" -> counted(step, "count", () -> network.replayLetters(argument));
            case "drop_letters" -> counted(step, "count", () -> network.dropLetters(argument));
            case "cancel" -> counted(step, "count", () -> network.cancel(argument));
            case "pause" -> network.pause(argument, PATIENCE);
            case "resume" -> network.resume(argument);
            case "step" -> {
                long firings = step.get("firings") instanceof Long given ? given : 1;
                counted(step, "fired", () -> network.step(argument, firings, PATIENCE));
            }
            default -> change(step, verb, argument);
        }
    }

    private void change(Map<String, Object> step, String verb, String argument) {
        Object metadata = value(step.get("metadata"));
        Map<String, Object> config = metadata == null ? null : map(metadata);
        List<Object> places = verb.endsWith("connect") ? list(step.get(verb)) : List.of();
        switch (verb) {
            case "add_node" -> network.addNode(argument, text(step, "component"), config);
            case "replace_node" -> network.replaceNode(argument, text(step, "component"), config);
            case "remove_node" -> network.removeNode(argument);
            case "connect" -> network.connect((String) places.get(0), (String) places.get(1));
            case "disconnect" -> network.disconnect((String) places.get(0), (String) places.get(1));
            case "apply" -> apply(step);
            default -> throw new Wrong("this runner does not know the step '" + verb + "'");
        }
    }

    private static void counted(Map<String, Object> step, String key, LongSupplier call) {
        long got = call.getAsLong();
        if (step.get(key) instanceof Long wanted && wanted != got) throw new Wrong(got + " and not " + wanted);
    }

    private static void compare(Map<String, Object> expected, Map<String, Long> got) {
        got.forEach((key, count) -> counted(expected, key, () -> count));
    }

    private void send(Map<String, Object> step) {
        Network.Inport inport = network.inport(text(step, "send"));
        Network.Envelope envelope = step.containsKey("envelope") ? envelope(step.get("envelope")) : null;
        for (Object notation : list(step.get("values"))) inport.send(value(notation), envelope, PATIENCE);
    }

    private static Network.Envelope envelope(Object given) {
        long deadline = map(given).get("deadline_ms") instanceof Long number ? number : 0;
        return new Network.Envelope(text(map(given), "correlation"), deadline);
    }

    private Output output(String place) {
        Output output = outputs.get(place);
        if (output == null) throw new Wrong("the output '" + place + "' is not open");
        return output;
    }

    private static void nothingMore(Output output, boolean closed) {
        try {
            throw new Wrong("there is more: " + output.receive(1, 0));
        } catch (ReflowException end) {
            boolean empty = end.status().equals("REFLOW_ERROR_WOULD_BLOCK") && !closed;
            if (!empty && !end.status().equals("REFLOW_ERROR_CLOSED")) throw end;
        }
    }

    /** Takes out what fits: only the first one counts, unless the order is free. */
    private static boolean takeOut(List<Object> rest, Map<String, Object> step, Predicate<Object> fits) {
        int candidates = text(step, "order").equals("any") ? rest.size() : Math.min(1, rest.size());
        for (int i = 0; i < candidates; ++i) {
            if (!fits.test(rest.get(i))) continue;
            rest.remove(i);
            return true;
        }
        return false;
    }

    private void receive(Map<String, Object> step) {
        Output output = output(text(step, "receive"));
        List<Object> expected = new ArrayList<>(list(step.get("values")));
        List<Object> envelopes = list(step.get("envelopes"));
        for (int i = 0; !expected.isEmpty(); ++i) {
            Output.Received got = output.receiveEnveloped(PATIENCE);
            if (!takeOut(expected, step, notation -> same(value(notation), got.value()))) {
                throw new Wrong("message " + (i + 1) + " is " + got.value() + ", which is not expected");
            }
            if (i < envelopes.size() && !envelope(envelopes.get(i)).equals(got.envelope())) {
                throw new Wrong("the envelope of message " + (i + 1) + " is " + got.envelope());
            }
        }
        nothingMore(output, false);
    }

    private void counters(Map<String, Object> step) {
        Network.Counters got = network.counters(text(step, "counters"));
        compare(step, Map.of("fired", got.fired(), "received", got.received(), "sent", got.sent(), "failed",
            got.failed(), "dropped", got.dropped(), "waiting", got.waiting()));
    }

    private void apply(Map<String, Object> step) {
        try (Graph graph = Graph.fromJson(Values.toJson(step.get("apply")))) {
            Network.Change got = network.apply(graph);
            compare(map(step.get("change")), Map.of("nodes_added", got.added(), "nodes_removed", got.removed(),
                "nodes_replaced", got.replaced(), "nodes_kept", got.kept()));
        }
    }

    private static boolean isEvent(Map<String, Object> wanted, Event got) {
        Map<String, Object> facts = Map.of("kind", got.kind(), "node", got.node(), "component", got.component(),
            "port", got.port(), "peer", got.peer(), "peer_port", got.peerPort(), "count", got.count());
        boolean right = got.error().contains(text(wanted, "error"));
        for (Map.Entry<String, Object> fact : facts.entrySet()) {
            Object one = wanted.get(fact.getKey());
            right = right && (one == null || one.equals(fact.getValue()));
        }
        return right && (!wanted.containsKey("message") || same(value(wanted.get("message")), got.message()));
    }

    private void events(Map<String, Object> step) {
        List<Object> expected = new ArrayList<>(list(step.get("events")));
        while (!expected.isEmpty()) {
            Event got = events.next(1, PATIENCE).get(0);
            if (!takeOut(expected, step, wanted -> isEvent(map(wanted), got))) throw new Wrong(got + " is not expected");
        }
        try {
            throw new Wrong("there is more: " + events.next(1, 0));
        } catch (ReflowException none) {
            if (!List.of("REFLOW_ERROR_WOULD_BLOCK", "REFLOW_ERROR_CLOSED").contains(none.status())) throw none;
        }
    }

    private void letters(Map<String, Object> step) {
        List<?> letters = network.letters(1000);
        List<Object> expected = list(step.get("letters"));
        if (letters.size() != expected.size()) throw new Wrong(letters.size() + " letters wait");
        for (int i = 0; i < letters.size(); ++i) {
            Map<String, Object> got = map(letters.get(i));
            map(expected.get(i)).forEach((key, wanted) -> {
                boolean right = switch (key) {
                    case "message" -> text(got, key).contains((String) wanted);
                    case "packets" -> samePackets(list(wanted), list(got.get(key)));
                    default -> same(wanted, got.get(key));
                };
                if (!right) throw new Wrong("the " + key + " of a letter is " + got.get(key));
            });
        }
    }

    private static boolean samePackets(List<Object> wanted, List<Object> got) {
        boolean right = wanted.size() == got.size();
        for (int i = 0; right && i < got.size(); ++i) {
            Map<String, Object> one = map(wanted.get(i));
            Map<String, Object> other = map(got.get(i));
            right = same(one.get("port"), other.get("port")) && same(value(one.get("message")), other.get("message"));
        }
        return right;
    }
}
