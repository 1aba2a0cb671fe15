package reflow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/** Plays the scenarios that all languages play; tests/conformance/README.md has their format. Usage: FOLDER. */
public final class Conformance {
    private static final Set<String> KEYS = Set.of("name", "about", "graph", "document", "format", "runtime",
        "envelopes", "outputs", "events", "refused", "steps");

    private Conformance() {}

    /** Says that something is not as it has to be. */
    static final class Wrong extends RuntimeException {
        private static final long serialVersionUID = 1;

        Wrong(String what) {
            super(what);
        }
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> map(Object value) {
        return value == null ? Map.of() : (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    static List<Object> list(Object value) {
        return value == null ? List.of() : (List<Object>) value;
    }

    static String text(Map<String, Object> from, String key) {
        return from.get(key) instanceof String text ? text : "";
    }

    /** Makes a value of the notation. */
    static Object value(Object notation) {
        if (notation instanceof List<?> list) {
            List<Object> values = new ArrayList<>();
            for (Object element : list) values.add(value(element));
            return values;
        }
        if (!(notation instanceof Map<?, ?>)) return notation;
        Map<String, Object> fields = map(notation);
        if (fields.size() == 1) {
            String key = fields.keySet().iterator().next();
            if (key.startsWith("$")) return special(key, fields.get(key));
        }
        Map<String, Object> values = new LinkedHashMap<>();
        fields.forEach((key, field) -> values.put(key, value(field)));
        return values;
    }

    private static Object special(String key, Object data) {
        return switch (key) {
            case "$integer" -> Long.parseLong((String) data);
            case "$float" -> Double.parseDouble((String) data);
            case "$bytes" -> HexFormat.of().parseHex((String) data);
            case "$error" -> new Values.ErrorValue((String) data);
            case "$flow" -> Values.Flow.FLOW;
            case "$text" -> ((String) list(data).get(0)).repeat(((Long) list(data).get(1)).intValue());
            case "$deep" -> {
                List<Object> inner = List.of();
                for (long level = 1; level < (Long) data; ++level) inner = List.of((Object) inner);
                yield inner;
            }
            default -> throw new Wrong("there is no value " + key);
        };
    }

    /** Whether two values are the same; Double.equals has NaN equal to itself. */
    static boolean same(Object a, Object b) {
        if (a instanceof byte[] x && b instanceof byte[] y) return Arrays.equals(x, y);
        if (a instanceof List<?> x && b instanceof List<?> y) {
            boolean same = x.size() == y.size();
            for (int i = 0; same && i < x.size(); ++i) same = same(x.get(i), y.get(i));
            return same;
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return x.size() == y.size() && x.entrySet().stream()
                .allMatch(entry -> y.containsKey(entry.getKey()) && same(entry.getValue(), y.get(entry.getKey())));
        }
        return a == null ? b == null : a.equals(b);
    }

    /** Runs a call that must be refused. */
    static void refused(Map<String, Object> refusal, Runnable call) {
        try {
            call.run();
        } catch (ReflowException error) {
            ReflowException.Facts facts = error.facts();
            Object message = refusal.get("message");
            List<Object> parts = message instanceof String one ? List.of(one) : list(message);
            boolean right = parts.stream().allMatch(part -> facts.message().contains((String) part));
            Map<String, Object> got = Map.of("status", facts.status(), "hint", facts.hint(), "node", facts.node(),
                "port", facts.port(), "path", facts.path(), "line", (long) facts.line(), "column",
                (long) facts.column());
            for (Map.Entry<String, Object> fact : got.entrySet()) {
                Object wanted = refusal.get(fact.getKey());
                right = right && (wanted == null || wanted.equals(fact.getValue()));
            }
            if (!right) throw new Wrong(error.getMessage() + " " + facts + " is not " + refusal);
            return;
        }
        throw new Wrong("it works, and " + refusal + " was expected");
    }

    private static Graph load(Map<String, Object> scenario) {
        if (scenario.containsKey("graph")) return Graph.fromJson(Values.toJson(scenario.get("graph")));
        String document = text(scenario, "document");
        return text(scenario, "format").equals("yaml") ? Graph.fromYaml(document) : Graph.fromJson(document);
    }

    private static void play(Map<String, Object> scenario, ExecutorService threads) {
        if (!KEYS.containsAll(scenario.keySet())) throw new Wrong("unknown keys in " + scenario.keySet());
        Map<String, Object> about = map(scenario.get("runtime"));
        int capacity = about.get("port_capacity") instanceof Long number ? number.intValue() : 0;
        Map<String, Object> refusal = map(scenario.get("refused"));
        String ends = text(refusal, "at");
        try (ReflowRuntime runtime = new ReflowRuntime(2, capacity, Boolean.TRUE.equals(about.get("check_types")))) {
            ConformanceComponents.all(threads).forEach(runtime::register);
            if (ends.equals("load")) {
                refused(refusal, () -> load(scenario).close());
                return;
            }
            try (Graph graph = load(scenario)) {
                if (ends.equals("create")) {
                    refused(refusal, () -> new Network(runtime, graph).close());
                    return;
                }
                try (Network network = new Network(runtime, graph); Steps steps = new Steps(network, scenario)) {
                    if (ends.equals("start")) {
                        refused(refusal, network::start);
                        return;
                    }
                    network.start();
                    list(scenario.get("steps")).forEach(step -> steps.play(map(step)));
                }
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(Path.of(arguments[0]))) {
            files = all.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
        ExecutorService threads = Executors.newFixedThreadPool(2);
        int failed = files.size() < 30 ? 1 : 0;
        for (Path file : files) {
            try {
                play(map(Values.fromJson(Files.readString(file))), threads);
            } catch (Wrong | ReflowException wrong) {
                System.err.println(file.getFileName() + ": " + wrong.getMessage());
                ++failed;
            }
        }
        threads.shutdown();
        if (Component.alive() != 0) {
            System.err.println(Component.alive() + " components or nodes were never let go of");
            ++failed;
        }
        System.out.println(files.size() + " scenarios, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }
}
