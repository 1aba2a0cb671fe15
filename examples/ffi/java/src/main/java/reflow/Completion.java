package reflow;

import static reflow.Lib.REFLOW;

import java.util.List;

/** A firing that ends later. */
public final class Completion {
    private final long id;
    private final List<String> outports;

    Completion(long id, List<String> outports) {
        this.id = id;
        this.outports = outports;
    }

    private Lib.Id.ByValue raw() {
        return new Lib.Id.ByValue(id);
    }

    /** Sends an output, waiting while there is no room. */
    public void emit(String port, Object value) throws Failure {
        int number = Context.find(outports, port);
        Lib.Message.ByValue message = Values.message(value);
        int status = REFLOW.reflow_completion_emit(raw(), number, message, Lib.FOREVER);
        if (status == Lib.OK) return;
        REFLOW.reflow_message_unref(message);
        throw ReflowException.of(status, null);
    }

    /** Ends the firing well; false if it was over already. */
    public boolean resolve() {
        return REFLOW.reflow_completion_resolve(raw()) == Lib.OK;
    }

    /** Ends the firing as failed; false if it was over already. */
    public boolean fail(Throwable reason) {
        return REFLOW.reflow_completion_fail_with(raw(), Component.failure(reason)) == Lib.OK;
    }

    /** Whether nobody waits for the work any more. */
    public boolean cancelled() {
        return REFLOW.reflow_completion_cancelled(raw()) != 0;
    }
}
