package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.List;
import java.util.Map;

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
        ReflowException.check(error -> REFLOW.reflow_network_create(runtime.raw(), graph.raw(), out, error));
        handle = new Handle("network", out.getValue());
    }

    /** "node.port", split at the last dot; an exposed port of the graph has none. */
    static String[] split(String place) {
        int dot = place.lastIndexOf('.');
        return dot < 0 ? new String[] {"", place} : new String[] {place.substring(0, dot), place.substring(dot + 1)};
    }

    public void start() {
        ReflowException.check(error -> REFLOW.reflow_network_start(raw(), error));
    }

    public void waitIdle(long timeout) {
        ReflowException.check(error -> REFLOW.reflow_network_wait_idle(raw(), timeout, error));
    }

    public void endSources() {
        ReflowException.check(error -> REFLOW.reflow_network_end_sources(raw(), error));
    }

    public void drain(long timeout) {
        ReflowException.check(error -> REFLOW.reflow_network_drain(raw(), timeout, error));
    }

    public void stop(long timeout) {
        ReflowException.check(error -> REFLOW.reflow_network_stop(raw(), timeout, error));
    }

    /** Before the start. */
    public void carryEnvelopes() {
        ReflowException.check(error -> REFLOW.reflow_network_carry_envelopes(raw(), error));
    }

    public String state() {
        return STATES[REFLOW.reflow_network_get_state(raw())];
    }

    /** Finds "node.port", or an exposed inport by its name. */
    public Inport inport(String place) {
        String[] parts = split(place);
        LongByReference id = new LongByReference();
        ReflowException.check(error ->
            REFLOW.reflow_network_find_inport(raw(), Lib.view(parts[0]), Lib.view(parts[1]), id, error));
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
                ReflowException.check(error -> {
                    Lib.Id.ByValue to = new Lib.Id.ByValue(id);
                    if (envelope == null) return REFLOW.reflow_network_send(raw(), to, message, timeout, error);
                    Lib.Envelope data = new Lib.Envelope();
                    data.struct_size = data.size();
                    data.correlation.set(envelope.correlation());
                    data.deadline_ms = envelope.deadlineMs();
                    return REFLOW.reflow_network_send_enveloped(raw(), to, message, data, timeout, error);
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
        ReflowException.check(error ->
            REFLOW.reflow_network_open_output(raw(), Lib.view(parts[0]), Lib.view(parts[1]), 0, out, error));
        return new Output(out.getValue());
    }

    /** Asks for events of some kinds, such as "ActorFailed"; none means the usual ones. */
    public Subscription subscribe(List<String> kinds) {
        return new Subscription(raw(), kinds);
    }

    public Counters counters(String node) {
        Lib.Counters data = new Lib.Counters();
        ReflowException.check(error -> REFLOW.reflow_network_counters(raw(), Lib.view(node), data, error));
        return new Counters(data.fired, data.received, data.sent, data.failed, data.dropped, data.waiting);
    }

    // ---- steering

    public void pause(String path, long timeout) {
        ReflowException.check(error -> REFLOW.reflow_network_pause(raw(), Lib.view(path), timeout, error));
    }

    public void resume(String path) {
        ReflowException.check(error -> REFLOW.reflow_network_resume(raw(), Lib.view(path), error));
    }

    /** Lets paused nodes fire, and tells how many firings there were. */
    public long step(String path, long firings, long timeout) {
        LongByReference fired = new LongByReference();
        ReflowException.check(
            error -> REFLOW.reflow_network_step(raw(), Lib.view(path), firings, timeout, fired, error));
        return fired.getValue();
    }

    /** Cancels pending firings of a node, and tells how many there were. */
    public long cancel(String node) {
        LongByReference count = new LongByReference();
        ReflowException.check(error -> REFLOW.reflow_network_cancel(raw(), Lib.view(node), count, error));
        return count.getValue();
    }

    /** Dead letters, the oldest first. */
    public List<?> letters(long max) {
        com.sun.jna.Memory out = new com.sun.jna.Memory(16);
        ReflowException.check(
            error -> REFLOW.reflow_network_list_dead_letters(raw(), Lib.view(""), 0, max, out, error));
        return (List<?>) Values.take(Lib.Message.at(out));
    }

    public long replayLetters(String path) {
        LongByReference count = new LongByReference();
        ReflowException.check(error -> REFLOW.reflow_network_replay_dead_letters(raw(), Lib.view(path), count, error));
        return count.getValue();
    }

    public long dropLetters(String path) {
        LongByReference count = new LongByReference();
        ReflowException.check(error -> REFLOW.reflow_network_drop_dead_letters(raw(), 0, Lib.view(path), count, error));
        return count.getValue();
    }

    // ---- changes while it runs

    private static Lib.Message.ByValue config(Map<String, Object> config) {
        return config == null ? new Lib.Message.ByValue() : Values.message(config);
    }

    public void addNode(String id, String component, Map<String, Object> config) {
        ReflowException.check(error ->
            REFLOW.reflow_network_add_node(raw(), Lib.view(id), Lib.view(component), config(config), error));
    }

    public void replaceNode(String id, String component, Map<String, Object> config) {
        ReflowException.check(error ->
            REFLOW.reflow_network_replace_node(raw(), Lib.view(id), Lib.view(component), config(config), error));
    }

    public void removeNode(String id) {
        ReflowException.check(error -> REFLOW.reflow_network_remove_node(raw(), Lib.view(id), error));
    }

    /** Places are "node.port". */
    public void connect(String from, String to) {
        ReflowException.check(error -> REFLOW.reflow_network_connect(raw(), new Lib.Endpoint(from),
            new Lib.Endpoint(to), new Lib.Message.ByValue(), error));
    }

    public void disconnect(String from, String to) {
        ReflowException.check(error ->
            REFLOW.reflow_network_disconnect(raw(), new Lib.Endpoint(from), new Lib.Endpoint(to), error));
    }

    /** Makes the network that of another graph, in one step. */
    public Change apply(Graph graph) {
        Lib.Change data = new Lib.Change();
        ReflowException.check(error -> REFLOW.reflow_network_apply(raw(), graph.raw(), null, data, error));
        return new Change(data.nodes_added, data.nodes_removed, data.nodes_replaced, data.nodes_kept);
    }

    private Pointer raw() {
        return handle.get();
    }

    @Override
    public void close() {
        Pointer taken = handle.take();
        if (taken != null) REFLOW.reflow_network_destroy(taken);
    }
}
