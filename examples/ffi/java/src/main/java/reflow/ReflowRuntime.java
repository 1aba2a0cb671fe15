package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.ptr.PointerByReference;

/** Owns threads and components. */
public final class ReflowRuntime implements AutoCloseable {
    final Handle handle;

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
        handle = new Handle("runtime", out.getValue(), REFLOW::reflow_runtime_destroy);
    }

    public void register(Component component) {
        component.register(handle);
    }

    /** Makes a stream; the content type, such as "text/csv", may be empty. */
    public Stream.Opened openStream(String contentType) {
        return Stream.open(this, contentType);
    }

    /** Accepts a stream, which can be done once. The handle stays to be closed. */
    public Stream.Reader accept(Stream stream) {
        return stream.accept(this);
    }

    /** Looks on: what is written from now on, some of which is missed by who reads too slowly. */
    public Stream.Reader observe(Stream stream) {
        return stream.observe(this);
    }

    @Override
    public void close() {
        handle.close();
    }
}
