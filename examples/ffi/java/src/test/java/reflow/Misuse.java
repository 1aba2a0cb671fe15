package reflow;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/** What a program does wrong is an exception that says so; says "misuse is told" at the end. */
public final class Misuse {
    private static final long PATIENCE = 10_000;

    private Misuse() {}

    /** Anything that may throw. */
    private interface Body {
        void run() throws Exception;
    }

    private static void refused(String status, String text, Body body) throws Exception {
        try {
            body.run();
        } catch (ReflowException refusal) {
            if (refusal.status().equals(status) && refusal.getMessage().contains(text)) return;
            throw new Conformance.Wrong("it says " + refusal.status() + ": " + refusal.getMessage());
        }
        throw new Conformance.Wrong("not refused: " + text);
    }

    private static void closed(String what, Body body) throws Exception {
        refused("REFLOW_ERROR_CLOSED", what + " is closed", body);
    }

    private static void values(Network network, Output output) throws Exception {
        Network.Inport in = network.inport("n.in");
        refused("REFLOW_ERROR_TYPE", "$.k[1]: a value of the type java.lang.Object",
            () -> in.send(Map.of("k", List.of(1, new Object())), PATIENCE));
        refused("REFLOW_ERROR_TYPE", "$[0]: the key 1 is of the type java.lang.Integer",
            () -> in.send(List.of(Map.of(1, 2)), PATIENCE));
        refused("REFLOW_ERROR_TYPE", "$.t: a text with half of a pair of surrogates",
            () -> in.send(Map.of("t", "a\ud800b"), PATIENCE));
        refused("REFLOW_ERROR_TYPE", "$: a text", () -> in.send(Map.of("\udc00", 1), PATIENCE));
        List<Object> list = new ArrayList<>(List.of(1));
        list.add(list);
        Map<String, Object> map = new HashMap<>();
        map.put("me", List.of(map));
        refused("REFLOW_ERROR_LIMIT", "$[1][1][1]", () -> in.send(list, PATIENCE));
        refused("REFLOW_ERROR_LIMIT", "...: nested deeper than 128 levels; does it hold itself?", () -> in.send(map, PATIENCE));
        Object deep = 1L;
        for (int level = 0; level < 128; ++level) deep = List.of(deep);
        Object tooDeep = List.of(deep);
        refused("REFLOW_ERROR_LIMIT", "[0]", () -> in.send(tooDeep, PATIENCE));
        in.send(deep, PATIENCE);
        if (!output.receive(1, PATIENCE).get(0).equals(deep)) throw new Conformance.Wrong("it is not as deep");
        in.send(new long[] {1, -2, Long.MAX_VALUE}, PATIENCE);
        in.send(new double[] {1.5, -0.25}, PATIENCE);
        in.send(Map.of("none", new long[0]), PATIENCE);
        in.send("\ud83d\ude00", PATIENCE);
        for (Object expected : List.of(List.of(1L, -2L, Long.MAX_VALUE), List.of(1.5, -0.25), Map.of("none", List.of()),
                "\ud83d\ude00")) {
            Object got = output.receive(1, PATIENCE).get(0);
            if (!got.equals(expected)) throw new Conformance.Wrong("it is " + got);
        }
    }

    private static void streams(ReflowRuntime runtime, Network network) throws Exception {
        Stream.Opened opened = runtime.openStream("");
        Stream handle = opened.handle();
        Stream.Reader reader = runtime.accept(handle);
        reader.close();
        closed("reader", reader::begin);
        closed("reader", reader::missed);
        handle.close();
        closed("handle of the stream", () -> network.inport("n.in").send(handle, PATIENCE));
        closed("handle of the stream", () -> runtime.accept(handle));
        closed("handle of the stream", () -> runtime.observe(handle));
        try {
            opened.writer().close();
        } catch (IOException nobodyReads) {
            return;
        }
        throw new Conformance.Wrong("somebody reads it");
    }

    public static void main(String[] arguments) throws Exception {
        String document = "{\"processes\": {\"n\": {\"component\": \"Pass\"}}, \"connections\": []}";
        AtomicReference<Context> kept = new AtomicReference<>();
        ReflowRuntime runtime = new ReflowRuntime();
        runtime.register(Component.of("Pass", (context, inputs) -> {
            kept.set(context);
            context.emit("out", inputs.get(0).value());
        }).inport("in").outport("out"));
        Graph graph = Graph.fromJson(document);
        Network network = new Network(runtime, graph);
        Output output = network.openOutput("n.out");
        Subscription events = network.subscribe(List.of());
        network.start();
        refused("REFLOW_ERROR_INVALID_ARGUMENT", "the component 'None' has no actor", () -> Component.of("None", null));
        refused("REFLOW_ERROR_INVALID_ARGUMENT", "the component 'None' has no actor", () -> new Component("None", null));
        runtime.register(new Component("Nothing", (node, config) -> null).inport("in"));
        Graph nothing = Graph.fromJson("{\"processes\": {\"n\": {\"component\": \"Nothing\"}}}");
        refused("REFLOW_ERROR_HOST", "the factory of the component made no actor", () -> new Network(runtime, nothing));
        nothing.close();
        refused("REFLOW_ERROR_INVALID_ARGUMENT", "less than one value", () -> output.receive(0, 0));
        values(network, output);
        streams(runtime, network);
        network.waitIdle(PATIENCE);
        closed("call of the actor", () -> kept.get().emit("out", 1));
        closed("call of the actor", () -> kept.get().node());
        Network.Inport in = network.inport("n.in");
        refused("REFLOW_ERROR_TIMEOUT", "nothing has come to this output within 10 ms", () -> output.receive(1, 10));
        network.stop(PATIENCE);
        refused("REFLOW_ERROR_CLOSED", "the network has ended", () -> output.receive(1, 10));
        for (AutoCloseable each : List.of(events, output, graph, network)) {
            each.close();
            each.close();
        }
        closed("subscription", () -> events.next(1, 0));
        closed("output", () -> output.receive(1, 0));
        closed("output", () -> output.receiveEnveloped(0));
        closed("graph", () -> new Network(runtime, graph));
        closed("graph", () -> graph.setConfig("n", "k", List.of(1)));
        closed("network", network::state);
        closed("network", network::start);
        closed("network", () -> network.inport("n.in"));
        closed("network", () -> in.send(List.of("a message that is let go of"), 0));
        closed("network", () -> network.openOutput("n.out"));
        closed("network", () -> network.subscribe(List.of()));
        closed("network", () -> network.addNode("m", "Pass", Map.of("let", "go")));
        runtime.close();
        closed("runtime", () -> runtime.register(Component.of("Late", (context, inputs) -> { })));
        closed("runtime", () -> runtime.openStream(""));
        if (Component.alive() != 0) throw new Conformance.Wrong(Component.alive() + " are alive");
        System.out.println("misuse is told");
    }
}
