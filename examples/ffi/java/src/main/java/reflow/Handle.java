package reflow;

import com.sun.jna.Pointer;

/** What the library has given, until it is closed: a use after that is an exception, and not one of freed memory. */
final class Handle {
    private final String what;
    private Pointer raw;

    Handle(String what, Pointer raw) {
        this.what = what;
        this.raw = raw;
    }

    /** For a call of the library. Who closes meanwhile has to wait for the end of the call by himself. */
    synchronized Pointer get() {
        if (raw == null) throw closed(what);
        return raw;
    }

    /** For the end, once; null if it was there already. */
    synchronized Pointer take() {
        Pointer taken = raw;
        raw = null;
        return taken;
    }

    static ReflowException closed(String what) {
        return ReflowException.of("REFLOW_ERROR_CLOSED", "the " + what + " is closed");
    }
}
