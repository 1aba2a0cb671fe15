package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

/** Owns threads and components. */
public final class ReflowRuntime implements AutoCloseable {
    final Pointer raw;
    private boolean closed;

    public ReflowRuntime() {
        this(0, 0, false);
    }

    /** Zero means the default. */
    public ReflowRuntime(int workers, int portCapacity, boolean checkTypes) {
        int status = REFLOW.reflow_abi_check(1);
        if (status != Lib.OK) throw ReflowException.of(status, null);
        Lib.RuntimeOptions options = new Lib.RuntimeOptions();
        options.workers = workers;
        options.port_capacity = portCapacity;
        options.check_types = checkTypes ? 1 : 0;
        PointerByReference out = new PointerByReference();
        ReflowException.check(error -> REFLOW.reflow_runtime_create(options, out, error));
        raw = out.getValue();
    }

    public void register(Component component) {
        component.register(raw);
    }

    @Override
    public void close() {
        if (!closed) REFLOW.reflow_runtime_destroy(raw);
        closed = true;
    }
}
