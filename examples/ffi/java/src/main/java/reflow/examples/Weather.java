package reflow.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import reflow.Actor;
import reflow.Component;
import reflow.Context;
import reflow.Event;
import reflow.Failure;
import reflow.Graph;
import reflow.Input;
import reflow.Network;
import reflow.ReflowException;
import reflow.ReflowRuntime;
import reflow.Subscription;

/**
 * Runs the graph of examples/weather with its node "alerts" replaced by an actor in Java, prints the events of the run, and
 * compares the alerts that were written with what it computes from the CSV itself. Usage: Weather [GRAPH [FOLDER]].
 */
public final class Weather {
    private static final long MINUTE = 60_000;

    private Weather() {}

    /** Two rules for each row. The thresholds are in the configuration of the node. */
    private record Alerts(Map<String, Double> rules) implements Actor {
        static Actor make(String node, Map<String, Object> config) throws Failure {
            Map<String, Double> rules = new LinkedHashMap<>();
            for (String rule : List.of("wind", "precipitation")) rules.put(rule, number(config, rule));
            return new Alerts(rules);
        }

        @Override
        public void run(Context context, List<Input> inputs) throws Failure {
            Map<?, ?> row = (Map<?, ?>) inputs.get(0).value();
            for (Map.Entry<String, Double> rule : rules.entrySet()) {
                double value = number(row, rule.getKey());
                if (value < rule.getValue()) continue;
                Map<String, Object> alert = new LinkedHashMap<>();
                alert.put("date", row.get("date"));
                alert.put("rule", rule.getKey());
                alert.put("value", value);
                context.emit("matched", alert);
            }
        }

        private static double number(Map<?, ?> from, String key) throws Failure {
            if (from.get(key) instanceof Number number) return number.doubleValue();
            throw new Failure("'" + key + "' is no number", "look at the configuration and at the rows");
        }
    }

    /** Plays the graph and returns how often each kind of event came. */
    private static Map<String, Integer> run(String path, String folder) {
        try (ReflowRuntime runtime = new ReflowRuntime(); Graph graph = Graph.load(path)) {
            runtime.register(new Component("AlertsInJava", Alerts::make).inport("in").outport("matched"));
            graph.setComponent("alerts", "AlertsInJava");
            for (String writer : List.of("summary", "alerts_file", "rejects", "chart")) {
                graph.setConfig(writer, "folder", folder);
            }
            try (Network network = new Network(runtime, graph); Subscription events = network.subscribe(List.of())) {
                CompletableFuture<Map<String, Integer>> told = CompletableFuture.supplyAsync(() -> listen(events));
                try {
                    network.start();
                    network.drain(MINUTE);
                } finally {
                    network.stop(MINUTE);
                }
                return told.join();
            }
        }
    }

    /** Prints events until the network has ended. */
    private static Map<String, Integer> listen(Subscription events) {
        Map<String, Integer> counts = new ConcurrentHashMap<>();
        try {
            for (;;) {
                for (Event event : events.next(64, MINUTE)) {
                    System.out.println(event.kind() + " " + event.node() + " " + event.error());
                    counts.merge(event.kind(), 1, Integer::sum);
                }
            }
        } catch (ReflowException over) {
            if (!over.status().equals("REFLOW_ERROR_CLOSED")) throw over;
            return counts;
        }
    }

    /** The alerts in the CSV, counted without reflow by the thresholds of the graph. */
    private static long expected(Path path) throws IOException {
        List<String> lines = Files.readAllLines(path);
        List<String> names = Arrays.asList(lines.get(0).split(","));
        int wind = names.indexOf("wind");
        int precipitation = names.indexOf("precipitation");
        long count = 0;
        for (String line : lines.subList(1, lines.size())) {
            String[] fields = line.split(",");
            if (Double.parseDouble(fields[wind]) >= 9) ++count;
            if (Double.parseDouble(fields[precipitation]) >= 50) ++count;
        }
        return count;
    }

    public static void main(String[] arguments) throws IOException {
        String path = arguments.length > 0 ? arguments[0] : "../../weather/weather.graph.json";
        String folder = arguments.length > 1 ? arguments[1] : "target/weather";
        Map<String, Integer> counts;
        try {
            counts = run(path, folder);
        } catch (ReflowException failure) {
            System.err.println("weather: " + failure.getMessage());
            System.exit(1);
            return;
        }
        long written = Files.readAllLines(Path.of(folder, "alerts.jsonl")).size();
        long wanted = expected(Path.of(path).resolveSibling("seattle-weather.csv"));
        System.out.println(written + " alerts in " + folder + "/alerts.jsonl");
        boolean right = written == wanted && wanted != 0 && counts.getOrDefault("NetworkStarted", 0) == 1
            && counts.getOrDefault("NetworkShutdown", 0) == 1 && !counts.containsKey("ActorFailed");
        if (right) return;
        System.err.println("weather: the data has " + wanted + " alerts; the events were " + counts);
        System.exit(1);
    }
}
