package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** A graph that runs. Times are in milliseconds; -1 waits without limit. */
public final class Network implements AutoCloseable {
    private static final String[] STATES = {"created", "running", "draining", "drained", "stopping", "stopped"};
    private final Handle handle;

    /** Counts of a node. */
    public record Counters(long fired, long received, long sent, long failed, long dropped, long waiting) {}

    /** What apply has done. */
    public record Change(long added, long removed, long replaced, long kept) {}

    /** What goes with a packet and is none of its content. */
    public record Envelope(String correlation, long deadlineMs) {}

    public Network(ReflowRuntime runtime, Graph graph) {
        PointerByReference out = new PointerByReference();
        runtime.handle.check((of, error) -> graph.handle.use(with -> REFLOW.reflow_network_create(of, with, out, error)));
        handle = new Handle("network", out.getValue(), REFLOW::reflow_network_destroy);
    }

    /** "node.port", split at the last dot; an exposed port of the graph has none. */
    static String[] split(String place) {
        int dot = place.lastIndexOf('.');
        return dot < 0 ? new String[] {"", place} : new String[] {place.substring(0, dot), place.substring(dot + 1)};
    }

    public void start() {
        handle.check((network, error) -> REFLOW.reflow_network_start(network, error));
    }

    public void waitIdle(long timeout) {
        handle.check((network, error) -> REFLOW.reflow_network_wait_idle(network, timeout, error));
    }

    public void endSources() {
        handle.check((network, error) -> REFLOW.reflow_network_end_sources(network, error));
    }

    public void drain(long timeout) {
        handle.check((network, error) -> REFLOW.reflow_network_drain(network, timeout, error));
    }

    public void stop(long timeout) {
        handle.check((network, error) -> REFLOW.reflow_network_stop(network, timeout, error));
    }

    /** Before the start. */
    public void carryEnvelopes() {
        handle.check((network, error) -> REFLOW.reflow_network_carry_envelopes(network, error));
    }

    public String state() {
        return STATES[handle.use(REFLOW::reflow_network_get_state)];
    }

    /** Finds "node.port", or an exposed inport by its name. */
    public Inport inport(String place) {
        String[] parts = split(place);
        LongByReference id = new LongByReference();
        handle.check((network, error) ->
            REFLOW.reflow_network_find_inport(network, Lib.view(parts[0]), Lib.view(parts[1]), id, error));
        return new Inport(id.getValue());
    }

    /** A place to send to. */
    public final class Inport {
        private final long id;

        private Inport(long id) {
            this.id = id;
        }

        /** Sends a value, waiting for room. */
        public void send(Object value, long timeout) {
            send(value, null, timeout);
        }

        public void send(Object value, Envelope envelope, long timeout) {
            Lib.Message.ByValue message = Values.message(value);
            try {
                handle.check((network, error) -> {
                    Lib.Id.ByValue to = new Lib.Id.ByValue(id);
                    if (envelope == null) return REFLOW.reflow_network_send(network, to, message, timeout, error);
                    Lib.Envelope data = new Lib.Envelope();
                    data.struct_size = data.size();
                    data.correlation.set(envelope.correlation());
                    data.deadline_ms = envelope.deadlineMs();
                    return REFLOW.reflow_network_send_enveloped(network, to, message, data, timeout, error);
                });
            } catch (ReflowException failure) {
                REFLOW.reflow_message_unref(message);
                throw failure;
            }
        }
    }

    /** Opens "node.port", or an exposed outport by its name; before the start to miss nothing. */
    public Output openOutput(String place) {
        String[] parts = split(place);
        PointerByReference out = new PointerByReference();
        handle.check((network, error) ->
            REFLOW.reflow_network_open_output(network, Lib.view(parts[0]), Lib.view(parts[1]), 0, out, error));
        return new Output(out.getValue());
    }

    /** Asks for events of some kinds, such as "ActorFailed"; none means the usual ones. */
    public Subscription subscribe(List<String> kinds) {
        return new Subscription(handle, kinds);
    }

    public Counters counters(String node) {
        Lib.Counters data = new Lib.Counters();
        handle.check((network, error) -> REFLOW.reflow_network_counters(network, Lib.view(node), data, error));
        return new Counters(data.fired, data.received, data.sent, data.failed, data.dropped, data.waiting);
    }

    // ---- steering

    public void pause(String path, long timeout) {
        handle.check((network, error) -> REFLOW.reflow_network_pause(network, Lib.view(path), timeout, error));
    }

    public void resume(String path) {
        handle.check((network, error) -> REFLOW.reflow_network_resume(network, Lib.view(path), error));
    }

    /** Lets paused nodes fire, and tells how many firings there were. */
    public long step(String path, long firings, long timeout) {
        LongByReference fired = new LongByReference();
        handle.check(
            (network, error) -> REFLOW.reflow_network_step(network, Lib.view(path), firings, timeout, fired, error));
        return fired.getValue();
    }

    /** Cancels pending firings of a node, and tells how many there were. */
    public long cancel(String node) {
        LongByReference count = new LongByReference();
        handle.check((network, error) -> REFLOW.reflow_network_cancel(network, Lib.view(node), count, error));
        return count.getValue();
    }

    /** Dead letters, the oldest first. */
    public List<?> letters(long max) {
        com.sun.jna.Memory out = new com.sun.jna.Memory(16);
        handle.check(
            (network, error) -> REFLOW.reflow_network_list_dead_letters(network, Lib.view(""), 0, max, out, error));
        return (List<?>) Values.take(Lib.Message.at(out));
    }

    public long replayLetters(String path) {
        LongByReference count = new LongByReference();
        handle.check((network, error) -> REFLOW.reflow_network_replay_dead_letters(network, Lib.view(path), count, error));
        return count.getValue();
    }

    public long dropLetters(String path) {
        LongByReference count = new LongByReference();
        handle.check((network, error) -> REFLOW.reflow_network_drop_dead_letters(network, 0, Lib.view(path), count, error));
        return count.getValue();
    }

    // ---- changes while it runs

    private static Lib.Message.ByValue config(Map<String, Object> config) {
        return config == null ? new Lib.Message.ByValue() : Values.message(config);
    }

    /** A node that is put in; the library takes its configuration in any case. */
    private void put(Map<String, Object> config, Put call) {
        Lib.Message.ByValue message = config(config);
        AtomicBoolean taken = new AtomicBoolean();
        try {
            handle.check((network, error) -> {
                taken.set(true);
                return call.with(network, message, error);
            });
        } finally {
            if (!taken.get()) REFLOW.reflow_message_unref(message);
        }
    }

    private interface Put {
        int with(Pointer network, Lib.Message.ByValue config, PointerByReference error);
    }

    public void addNode(String id, String component, Map<String, Object> config) {
        put(config, (network, data, error) ->
            REFLOW.reflow_network_add_node(network, Lib.view(id), Lib.view(component), data, error));
    }

    public void replaceNode(String id, String component, Map<String, Object> config) {
        put(config, (network, data, error) ->
            REFLOW.reflow_network_replace_node(network, Lib.view(id), Lib.view(component), data, error));
    }

    public void removeNode(String id) {
        handle.check((network, error) -> REFLOW.reflow_network_remove_node(network, Lib.view(id), error));
    }

    /** Places are "node.port". */
    public void connect(String from, String to) {
        handle.check((network, error) -> REFLOW.reflow_network_connect(network, new Lib.Endpoint(from),
            new Lib.Endpoint(to), new Lib.Message.ByValue(), error));
    }

    public void disconnect(String from, String to) {
        handle.check((network, error) ->
            REFLOW.reflow_network_disconnect(network, new Lib.Endpoint(from), new Lib.Endpoint(to), error));
    }

    /** Makes the network that of another graph, in one step. */
    public Change apply(Graph graph) {
        Lib.Change data = new Lib.Change();
        handle.check((network, error) ->
            graph.handle.use(with -> REFLOW.reflow_network_apply(network, with, null, data, error)));
        return new Change(data.nodes_added, data.nodes_removed, data.nodes_replaced, data.nodes_kept);
    }

    /** Stops and ends the network. Calls of it that wait on other threads return. */
    @Override
    public void close() {
        handle.close(network -> REFLOW.reflow_network_stop(network, Lib.FOREVER, null));
    }
}
