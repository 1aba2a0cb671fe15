package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import java.util.ArrayList;
import java.util.List;

/** Reads what an outport sends. */
public final class Output implements AutoCloseable {
    private static final String ENDED = "the network has ended, and all of this output was read";
    private final Handle handle;

    /** A value with its envelope. */
    public record Received(Object value, Network.Envelope envelope) {}

    Output(Pointer raw) {
        handle = new Handle("output", raw, REFLOW::reflow_output_destroy);
    }

    /** Tells an end from what is late. */
    private void await(long timeout, Handle.Wait call) {
        ReflowException.checkWait(() -> handle.await(timeout, call), "output", ENDED,
            "nothing has come to this output within " + timeout + " ms");
    }

    /** Takes up to max values with one call, waiting for the first. */
    public List<Object> receive(int max, long timeout) {
        if (max < 1) {
            throw ReflowException.of("REFLOW_ERROR_INVALID_ARGUMENT", "less than one value cannot be received");
        }
        Memory messages = new Memory(16L * max);
        LongByReference count = new LongByReference();
        await(timeout, (output, part, error) ->
            REFLOW.reflow_output_recv_many(output, messages, max, part, count, error));
        List<Object> values = new ArrayList<>();
        for (long i = 0; i < count.getValue(); ++i) values.add(Values.take(Lib.Message.at(messages.share(16 * i))));
        return values;
    }

    /** Takes one value with its envelope; one thread at a time. */
    public Received receiveEnveloped(long timeout) {
        Memory message = new Memory(16);
        Lib.Envelope data = new Lib.Envelope();
        data.struct_size = data.size();
        await(timeout, (output, part, error) ->
            REFLOW.reflow_output_recv_enveloped(output, message, data, part, error));
        Network.Envelope envelope = new Network.Envelope(data.correlation.text(), data.deadline_ms);
        return new Received(Values.take(Lib.Message.at(message)), envelope);
    }

    /** Who waits in it is told soon. */
    @Override
    public void close() {
        handle.close();
    }
}
