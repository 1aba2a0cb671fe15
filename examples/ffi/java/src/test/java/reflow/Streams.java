package reflow;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Streams as a program uses them; says "streams work" at the end. */
public final class Streams {
    private static final long PATIENCE = 10_000;

    private Streams() {}

    private static void check(boolean fact, Object seen) {
        if (!fact) throw new Conformance.Wrong("it is " + seen);
    }

    /** An actor that gathers the stream it is sent, on a thread of its own. */
    private static Component gather(ReflowRuntime runtime) {
        return Component.of("Gather", (context, inputs) -> {
            if (!(inputs.get(0).value() instanceof Stream stream)) return; // that is closed then
            Stream.Reader reader = runtime.accept(stream);
            Completion completion = context.defer();
            new Thread(() -> {
                try (reader) {
                    completion.emit("out", reader.readAllBytes());
                    completion.resolve();
                } catch (IOException | Failure failure) {
                    completion.fail(failure);
                }
            }).start();
        }).inport("in").outport("out");
    }

    private static void whole(ReflowRuntime runtime, Network network) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try (Output output = network.openOutput("n.out")) {
            network.start();
            Stream.Opened opened = runtime.openStream("text/plain");
            try (Stream handle = opened.handle(); Stream.Reader observer = runtime.observe(handle)) {
                network.inport("n.in").send(handle, PATIENCE);
                try (Stream.Writer writer = opened.writer()) {
                    for (int i = 0; i < 1000; ++i) { // 64 frames fit: writing waits for the reader
                        byte[] line = ("line " + i + "\n").getBytes(StandardCharsets.UTF_8);
                        writer.write(line);
                        all.write(line);
                    }
                }
                byte[] got = (byte[]) output.receive(1, PATIENCE).get(0);
                check(Arrays.equals(got, all.toByteArray()), got.length);
                check(observer.begin().get("content_type").equals("text/plain"), observer.begin());
                byte[] seen = observer.readAllBytes();
                long lines = new String(seen, StandardCharsets.UTF_8).lines().count() + observer.missed();
                check(lines == 1000, lines);
            }
        }
    }

    private static void failing(ReflowRuntime runtime, Network network) throws IOException {
        Stream.Opened opened = runtime.openStream("");
        try (Stream handle = opened.handle()) {
            network.inport("n.in").send(handle, PATIENCE);
            opened.writer().write(new byte[] {1, 2});
            opened.writer().fail("no more");
            network.waitIdle(PATIENCE);
            List<Object> letters = Conformance.list(network.letters(9));
            check(letters.size() == 1, letters);
            Map<String, Object> letter = Conformance.map(letters.get(0));
            check(letter.get("message").toString().contains("no more"), letter);
            try {
                runtime.accept(handle);
                throw new Conformance.Wrong("a stream was accepted twice");
            } catch (ReflowException refused) {
                check(refused.status().equals("REFLOW_ERROR_ALREADY_EXISTS"), refused.status());
            }
        }
    }

    private static void unread(ReflowRuntime runtime) {
        Stream.Opened opened = runtime.openStream("");
        opened.handle().close();
        try {
            opened.writer().write(1);
            throw new Conformance.Wrong("somebody reads it");
        } catch (IOException closed) {
            String status = ((ReflowException) closed.getCause()).status();
            check(status.equals("REFLOW_ERROR_CLOSED"), status);
        }
    }

    public static void main(String[] arguments) throws IOException {
        String document = "{\"processes\": {\"n\": {\"component\": \"Gather\"}}, \"connections\": []}";
        try (ReflowRuntime runtime = new ReflowRuntime(); Graph graph = Graph.fromJson(document)) {
            runtime.register(gather(runtime));
            try (Network network = new Network(runtime, graph)) {
                whole(runtime, network);
                failing(runtime, network);
                unread(runtime);
            }
        }
        System.out.println("streams work");
    }
}
