package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.ArrayList;
import java.util.List;

/** A queue of events. */
public final class Subscription implements AutoCloseable {
    private static final List<String> KINDS = List.of("NetworkStarted", "NetworkIdle", "NetworkStalled",
        "NetworkShutdown", "ActorStarted", "ActorCompleted", "ActorFailed", "MessageSent", "MessageReceived",
        "ActorEmit", "Breakpoint", "DeadLetter", "ActorState", "ActorStuck",
        "CheckpointFailed");
    private final Handle handle;

    Subscription(Handle network, List<String> kinds) {
        Lib.EventOptions options = new Lib.EventOptions();
        for (String kind : kinds) {
            int number = KINDS.indexOf(kind);
            if (number < 0) {
                throw ReflowException.of("REFLOW_ERROR_INVALID_ARGUMENT", "there are no events '" + kind + "'");
            }
            options.kinds |= 1L << number;
        }
        PointerByReference out = new PointerByReference();
        network.check((of, error) -> REFLOW.reflow_network_subscribe(of, options, out, error));
        handle = new Handle("subscription", out.getValue(), REFLOW::reflow_subscription_destroy);
    }

    /** Takes up to max events, waiting for the first. REFLOW_ERROR_CLOSED when the network has stopped. */
    public List<Event> next(int max, long timeout) {
        PointerByReference batch = new PointerByReference();
        LongByReference missed = new LongByReference();
        handle.await(timeout, (subscription, part, error) ->
            REFLOW.reflow_subscription_poll(subscription, max, part, batch, missed, error));
        try {
            long count = REFLOW.reflow_event_batch_count(batch.getValue());
            List<Event> events = new ArrayList<>();
            for (long i = 0; i < count; ++i) events.add(event(batch.getValue(), i));
            return events;
        } finally {
            REFLOW.reflow_event_batch_destroy(batch.getValue());
        }
    }

    private static Event event(Pointer batch, long index) {
        Lib.EventData data = new Lib.EventData();
        data.struct_size = data.size();
        REFLOW.reflow_event_batch_get(batch, index, data);
        Object message = Values.copy(Lib.Message.at(data.message.getPointer()));
        return new Event(KINDS.get(data.kind), data.node.text(), data.component.text(), data.port.text(),
            data.peer.text(), data.peer_port.text(), data.error.text(), data.count, message);
    }

    /** Who waits in it is told soon. */
    @Override
    public void close() {
        handle.close();
    }
}
