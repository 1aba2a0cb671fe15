package reflow;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

/** What went wrong and where. getMessage() has all of it on one line. */
public final class ReflowException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final transient Facts facts;

    /** The parts of an error; texts are empty and numbers 0 where they do not apply. */
    public record Facts(String status, String message, String hint, String node, String port, String file, String path,
            int line, int column) {}

    private ReflowException(String whole, Facts facts) {
        super(whole);
        this.facts = facts;
    }

    /** Such as "REFLOW_ERROR_NOT_FOUND". */
    public String status() {
        return facts.status();
    }

    /** What to try, such as "did you mean 'in'?"; often empty. */
    public String hint() {
        return facts.hint();
    }

    public Facts facts() {
        return facts;
    }

    /** A function of the library whose last parameter is an error. */
    interface Call {
        int with(PointerByReference error);
    }

    static void check(Call call) {
        PointerByReference error = new PointerByReference();
        int status = call.with(error);
        if (status != Lib.OK) throw of(status, error.getValue());
    }

    /** The same for a call that waits, which tells an end from what is late. */
    static void checkWait(Runnable call, String what, String ended, String late) {
        try {
            call.run();
        } catch (ReflowException failure) {
            String status = failure.status();
            if (failure.getMessage().equals(Handle.closed(what).getMessage())) throw failure;
            if (status.equals("REFLOW_ERROR_CLOSED")) throw of(status, ended);
            if (status.equals("REFLOW_ERROR_TIMEOUT") || status.equals("REFLOW_ERROR_WOULD_BLOCK")) throw of(status, late);
            throw failure;
        }
    }

    /** The exception of a status and its error object, which ends. */
    static ReflowException of(int status, Pointer error) {
        String name = Lib.REFLOW.reflow_status_name(status).text();
        if (error == null) return of(name, name);
        try {
            Lib.Place place = new Lib.Place();
            Lib.REFLOW.reflow_error_place(error, place);
            String message = Lib.REFLOW.reflow_error_message(error).text();
            String hint = Lib.REFLOW.reflow_error_hint(error).text();
            Facts facts = new Facts(name, message, hint, place.node.text(), place.port.text(), place.file.text(),
                place.path.text(), place.line, place.column);
            return new ReflowException(Lib.REFLOW.reflow_error_text(error).text(), facts);
        } finally {
            Lib.REFLOW.reflow_error_destroy(error);
        }
    }

    /** An exception of this wrapper. */
    static ReflowException of(String status, String message) {
        return at("", status, message);
    }

    /** The same, about a value: where it is, such as "$.list[2]". */
    static ReflowException at(String path, String status, String message) {
        String whole = path.isEmpty() ? message : path + ": " + message;
        return new ReflowException(whole, new Facts(status, message, "", "", "", "", path, 0, 0));
    }
}
