package reflow;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;

/** The components of the conformance scenarios, in Java. tests/conformance/README.md says what each does. */
final class ConformanceComponents {
    private ConformanceComponents() {}

    private static Component simple(String id, Actor actor) {
        return Component.of(id, actor).inport("in").outport("out");
    }

    private static Component stateful(String id, Component.Factory factory) {
        return new Component(id, factory).inport("in").outport("out");
    }

    private static Object first(List<Input> inputs) {
        return inputs.get(0).value();
    }

    private static Map<String, Object> pair(String first, Object a, String second, Object b) {
        Map<String, Object> pair = new LinkedHashMap<>();
        pair.put(first, a);
        pair.put(second, b);
        return pair;
    }

    private static void twice(Context context, List<Input> inputs) throws Failure {
        Object value = first(inputs);
        if (value instanceof Long number) {
            context.emit("out", 2 * number);
        } else if (value instanceof Double number) {
            context.emit("out", 2 * number);
        } else {
            throw new Failure("not a number", "send an integer or a float");
        }
    }

    private static void failOnOdd(Context context, List<Input> inputs) throws Failure {
        if (!(first(inputs) instanceof Long number)) throw new Failure("not an integer", "");
        if (number % 2 != 0) throw new Failure("odd: " + number, "send even numbers");
        context.emit("out", number);
    }

    private static void split(Context context, List<Input> inputs) throws Failure {
        if (!(first(inputs) instanceof List<?> values)) return;
        for (Object value : values) context.emit("out", value);
    }

    private static Actor later(ExecutorService threads) {
        return (context, inputs) -> {
            Completion completion = context.defer();
            Object value = first(inputs);
            threads.execute(() -> {
                try {
                    if (value instanceof Long number && number < 0) {
                        throw new Failure("negative: " + number, "send numbers from 0 up");
                    }
                    completion.emit("out", value);
                    completion.resolve();
                } catch (Failure | ReflowException failure) {
                    completion.fail(failure);
                }
            });
        };
    }

    private static Actor total(long start) {
        long[] sum = {start};
        return (context, inputs) -> {
            if (!(first(inputs) instanceof Long number)) throw new IllegalArgumentException("not an integer");
            sum[0] += number;
            context.emit("out", sum[0]);
        };
    }

    private static Actor failFirst(long times) {
        long[] left = {times};
        return (context, inputs) -> {
            if (left[0] > 0) {
                --left[0];
                throw new IllegalStateException("not yet");
            }
            context.emit("out", first(inputs));
        };
    }

    /** A source: 0, 1, ... up to end. */
    private static Actor count(long end) {
        long[] next = {0};
        return (context, inputs) -> {
            if (next[0] == end) return;
            context.again();
            context.emit("out", next[0]++);
        };
    }

    private static long number(Map<String, Object> config, String key) {
        return config.get(key) instanceof Long number ? number : 0;
    }

    static List<Component> all(ExecutorService threads) {
        List<Component> all = new ArrayList<>();
        all.add(simple("Pass", (context, inputs) -> context.emit("out", first(inputs))));
        all.add(simple("Double", ConformanceComponents::twice));
        all.add(simple("FailOnOdd", ConformanceComponents::failOnOdd));
        all.add(simple("EmitThenFail", (context, inputs) -> {
            context.emit("out", first(inputs));
            throw new Failure("failed after its output", "");
        }));
        all.add(simple("Split", ConformanceComponents::split));
        all.add(simple("Config", (context, inputs) -> context.emit("out", context.config())));
        all.add(simple("Later", later(threads)).concurrency(8));
        all.add(simple("Never", (context, inputs) -> context.defer()).concurrency(8));
        all.add(stateful("Total", (node, config) -> total(number(config, "start"))));
        all.add(stateful("FailFirst", (node, config) -> failFirst(number(config, "times"))));
        all.add(new Component("Count", (node, config) -> count(number(config, "n"))).outport("out"));
        all.add(new Component("Endless", (node, config) -> count(-1)).outport("out"));
        all.add(Component.of("Add", (context, inputs) ->
            context.emit("out", (Long) first(inputs) + (Long) inputs.get(1).value()))
            .inport("a").inport("b").outport("out").awaits(Component.Await.ALL));
        all.add(Component.of("Latest", (context, inputs) ->
            context.emit("out", pair("a", first(inputs), "b", inputs.get(1).value())))
            .requiredInport("a").inport("b").outport("out").awaits(Component.Await.REQUIRED));
        all.add(Component.of("Indexed", (context, inputs) -> {
            int index = inputs.get(0).index();
            context.emit("out", pair("index", index < 0 ? null : index, "value", first(inputs)));
        }).arrayInport("in").outport("out"));
        all.add(simple("SetupFails", new Actor() {
            @Override
            public void run(Context context, List<Input> inputs) {}

            @Override
            public void setup() throws Failure {
                throw new Failure("no such device", "");
            }
        }));
        return all;
    }
}
