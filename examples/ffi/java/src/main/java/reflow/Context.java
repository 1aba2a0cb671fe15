package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import java.util.List;
import java.util.Map;

/** What a call of an actor may do; valid until the call returns. */
public final class Context {
    private final Handle handle;
    private final List<String> outports;

    Context(Pointer raw, List<String> outports) {
        handle = new Handle("call of the actor", raw, none -> { });
        this.outports = outports;
    }

    /** The call returns; who uses it on another thread is waited for. */
    void end() {
        handle.closeAndWait();
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> config(Pointer context) {
        return (Map<String, Object>) Values.copy(REFLOW.reflow_context_config(context));
    }

    static int find(List<String> outports, String port) throws Failure {
        int number = outports.indexOf(port);
        if (number < 0) throw new Failure("the component has no outport '" + port + "'", "");
        return number;
    }

    public String node() {
        return handle.use(context -> REFLOW.reflow_context_node(context).text());
    }

    public Map<String, Object> config() {
        return handle.use(context -> config(context));
    }

    public void emit(String port, Object value) throws Failure {
        int number = find(outports, port);
        int status = handle.use(context -> REFLOW.reflow_context_emit(context, number, Values.message(value)));
        if (status != Lib.OK) throw ReflowException.of(status, null);
    }

    /** Asks for another call: how a source goes on. */
    public void again() {
        int status = handle.use(REFLOW::reflow_context_again);
        if (status != Lib.OK) throw ReflowException.of(status, null);
    }

    /** Keeps the firing open; it ends by the completion, on any thread. */
    public Completion defer() {
        LongByReference id = new LongByReference();
        int status = handle.use(context -> REFLOW.reflow_context_defer(context, 0, id));
        if (status != Lib.OK) throw ReflowException.of(status, null);
        return new Completion(id.getValue(), outports);
    }
}
