package reflow;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Handles are closed while other threads are in calls of them; says "closing is told" at the end. */
public final class Closing {
    private static final long PATIENCE = 10_000;
    private static final long FOREVER = -1;
    private static final String DOCUMENT = "{\"processes\": {\"n\": {\"component\": \"Pass\"}}, \"connections\": []}";

    private Closing() {}

    /** Anything that may throw. */
    private interface Body {
        void run() throws Exception;
    }

    /** Threads that call until they are refused, and why they were. */
    private static final class Calls {
        private final List<Thread> threads = new ArrayList<>();
        private final Map<String, Throwable> refusals = new ConcurrentHashMap<>();

        void until(String name, Body call) {
            Thread thread = new Thread(() -> {
                try {
                    for (;;) call.run();
                } catch (Exception refusal) {
                    refusals.put(name, refusal.getCause() == null ? refusal : refusal.getCause());
                }
            });
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }

        /** All have come back, and each was told that something is closed or, of a network, stopped. */
        void end(String... statuses) throws InterruptedException {
            for (Thread thread : threads) {
                thread.join(PATIENCE);
                if (thread.isAlive()) throw new Conformance.Wrong("a call does not come back");
            }
            if (refusals.size() != threads.size()) throw new Conformance.Wrong("it is " + refusals);
            refusals.forEach((name, refusal) -> {
                if (refusal instanceof ReflowException told && List.of(statuses).contains(told.status())) return;
                throw new Conformance.Wrong(name + ": " + refusal);
            });
        }
    }

    private static ReflowRuntime runtime() {
        ReflowRuntime runtime = new ReflowRuntime();
        runtime.register(Component.of("Pass", (context, inputs) -> context.emit("out", inputs.get(0).value()))
            .inport("in").outport("out"));
        return runtime;
    }

    private static void besideCalls(int round) throws InterruptedException {
        ReflowRuntime runtime = runtime();
        Graph graph = Graph.fromJson(DOCUMENT);
        Network network = new Network(runtime, graph);
        Output output = network.openOutput("n.out");
        Subscription events = network.subscribe(List.of());
        network.start();
        Network.Inport in = network.inport("n.in");
        Calls beside = new Calls();
        beside.until("send", () -> in.send(1, FOREVER));
        beside.until("another send", () -> in.send(List.of(1), FOREVER));
        beside.until("idle", () -> network.waitIdle(FOREVER));
        beside.until("counters", () -> network.counters("n"));
        beside.until("inport", () -> network.inport("n.in"));
        beside.until("state", network::state);
        beside.until("receive", () -> output.receive(8, FOREVER));
        beside.until("next", () -> events.next(8, FOREVER));
        Thread.sleep(round % 5);
        List<AutoCloseable> all = new ArrayList<>(List.of(network, output, events, graph, runtime));
        if (round % 2 == 1) java.util.Collections.reverse(all);
        for (AutoCloseable each : all) {
            try {
                each.close();
            } catch (Exception unexpected) {
                throw new Conformance.Wrong("it is " + unexpected);
            }
        }
        beside.end("REFLOW_ERROR_CLOSED", "REFLOW_ERROR_INVALID_STATE");
    }

    /** Who waits for what never comes is told, too. */
    private static void waits() throws Exception {
        try (ReflowRuntime runtime = runtime(); Graph graph = Graph.fromJson(DOCUMENT);
                Network network = new Network(runtime, graph)) {
            Output output = network.openOutput("n.out");
            Subscription events = network.subscribe(List.of("ActorFailed"));
            network.start();
            Stream.Opened quiet = runtime.openStream("");
            Stream.Reader reader = runtime.accept(quiet.handle());
            Stream.Opened full = runtime.openStream("");
            Calls waiting = new Calls();
            waiting.until("output", () -> output.receive(1, FOREVER));
            waiting.until("subscription", () -> events.next(1, FOREVER));
            waiting.until("reader", () -> reader.read());
            waiting.until("writer", () -> full.writer().write(1));
            Thread.sleep(20); // for them to wait; what is tested holds without it, too
            for (AutoCloseable each : List.of(output, events, reader, full.writer())) each.close();
            waiting.end("REFLOW_ERROR_CLOSED");
            waiting.refusals.forEach((name, refusal) -> {
                if (!refusal.getMessage().equals("the " + name + " is closed")) {
                    throw new Conformance.Wrong(name + ": " + refusal);
                }
            });
            quiet.handle().close();
            full.handle().close();
            try {
                quiet.writer().close();
                throw new Conformance.Wrong("somebody reads it");
            } catch (IOException nobodyReads) {
                // which is what was closed above
            }
        }
    }

    /** A limit of time is kept, also one that is longer than the library is asked to wait at once. */
    private static void limits() {
        try (ReflowRuntime runtime = runtime(); Graph graph = Graph.fromJson(DOCUMENT);
                Network network = new Network(runtime, graph); Output output = network.openOutput("n.out")) {
            network.start();
            for (long limit : new long[] {0, 1, 3 * Handle.SLICE / 2}) {
                long begun = System.nanoTime();
                String status = "none";
                try {
                    output.receive(1, limit);
                } catch (ReflowException late) {
                    status = late.status();
                }
                long taken = (System.nanoTime() - begun) / 1_000_000;
                String wanted = limit == 0 ? "REFLOW_ERROR_WOULD_BLOCK" : "REFLOW_ERROR_TIMEOUT";
                if (!status.equals(wanted) || taken < limit) throw new Conformance.Wrong(status + " in " + taken);
            }
        }
    }

    /** An actor that ends its own network: nobody waits for himself. */
    private static void inside() throws InterruptedException {
        ReflowRuntime runtime = new ReflowRuntime();
        Network[] own = {null};
        runtime.register(Component.of("Pass", (context, inputs) -> own[0].close()).inport("in").outport("out"));
        try (Graph graph = Graph.fromJson(DOCUMENT)) {
            own[0] = new Network(runtime, graph);
            own[0].start();
            Network.Inport in = own[0].inport("n.in");
            Calls sending = new Calls();
            sending.until("send", () -> in.send(1, FOREVER));
            sending.end("REFLOW_ERROR_CLOSED", "REFLOW_ERROR_INVALID_STATE");
        }
        runtime.close();
    }

    public static void main(String[] arguments) throws Exception {
        for (int round = 0; round < 40; ++round) besideCalls(round);
        waits();
        limits();
        inside();
        for (int tries = 0; Component.alive() != 0 && tries < 1000; ++tries) Thread.sleep(10); // the last to leave
        if (Component.alive() != 0) throw new Conformance.Wrong(Component.alive() + " are alive");
        System.out.println("closing is told");
    }
}
