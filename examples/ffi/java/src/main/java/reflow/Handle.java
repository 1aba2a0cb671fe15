package reflow;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What the library has given, until it is closed: a use after that is an exception, and not one of freed memory. Calls
 * are counted, and the last one to leave ends what was closed meanwhile: so nobody waits for himself who closes it inside a
 * call of it.
 */
final class Handle {
    /** For how long the library is asked to wait on what nothing but an end of the wait can close. */
    static final long SLICE = 50;

    private final String what;
    private final Pointer raw;
    private final Consumer<Pointer> end;
    private int calls;
    private boolean closed;

    Handle(String what, Pointer raw, Consumer<Pointer> end) {
        this.what = what;
        this.raw = raw;
        this.end = end;
    }

    private synchronized void enter() {
        if (closed) throw closed(what);
        ++calls;
    }

    private void leave() {
        synchronized (this) {
            if (--calls > 0 || !closed) return;
            notifyAll();
        }
        end.accept(raw);
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** Calls what needs the handle, which stays as long. */
    <T> T use(Function<Pointer, T> call) {
        enter();
        try {
            return call.apply(raw);
        } finally {
            leave();
        }
    }

    /** A function of the library whose first parameter is the handle and whose last one is an error. */
    interface Call {
        int with(Pointer raw, PointerByReference error);
    }

    void check(Call call) {
        enter();
        try {
            ReflowException.check(error -> call.with(raw, error));
        } finally {
            leave();
        }
    }

    /** A call that waits, of which there are slices. */
    interface Wait {
        int with(Pointer raw, long timeout, PointerByReference error);
    }

    /** Waits in slices, until there is something else to say than that the time is over, or it is, or this was closed. */
    void await(long timeout, Wait call) {
        enter();
        try {
            long begun = System.nanoTime();
            for (long left = timeout;;) {
                long part = left < 0 ? SLICE : Math.min(left, SLICE);
                try {
                    ReflowException.check(error -> call.with(raw, part, error));
                    return;
                } catch (ReflowException failure) {
                    if (!failure.status().equals("REFLOW_ERROR_TIMEOUT")) throw failure;
                    if (isClosed()) throw closed(what);
                    if (timeout < 0) continue;
                    left = timeout - (System.nanoTime() - begun) / 1_000_000;
                    if (left <= 0) throw failure;
                }
            }
        } finally {
            leave();
        }
    }

    void close() {
        close(pointer -> { });
    }

    /** Refuses calls from now on, and then does what lets those return that go on. Only the first time. */
    void close(Consumer<Pointer> wake) {
        synchronized (this) {
            if (closed) return;
            ++calls;
            closed = true;
        }
        try {
            wake.accept(raw);
        } finally {
            leave();
        }
    }

    /** The same for what is not the wrapper's to end: calls that go on, none of which waits, are waited for. */
    void closeAndWait() {
        close();
        boolean interrupted = false;
        synchronized (this) {
            while (calls > 0) {
                try {
                    wait();
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    static ReflowException closed(String what) {
        return ReflowException.of("REFLOW_ERROR_CLOSED", "the " + what + " is closed");
    }
}
