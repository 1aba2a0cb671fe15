package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.CallbackThreadInitializer;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A kind of actor, to be registered. Without inports it is a source.
 *
 * <p>The callbacks that C knows are static and live as long as the class, so none can be collected while the engine may
 * still call it. What they are called for they find by a number, which is the user data of the component or the
 * state of a node; it is forgotten when the engine says that no call comes any more.
 */
public final class Component {
    /** Makes the actor of a node; its configuration is a Map. */
    public interface Factory {
        Actor make(String node, Map<String, Object> config) throws Exception;
    }

    /** When an actor fires. */
    public enum Await { ANY, ALL, REQUIRED }

    private record Port(String name, int flags) {}

    private record Registered(List<String> outports, Factory factory) {}

    private record Node(Actor actor, List<String> outports) {}

    private static final Map<Long, Registered> REGISTERED = new ConcurrentHashMap<>();
    private static final Map<Long, Node> NODES = new ConcurrentHashMap<>();
    private static final AtomicLong NUMBERS = new AtomicLong();

    private static final Lib.Create CREATE = Component::create;
    private static final Lib.State SETUP = Component::setup;
    private static final Lib.Run RUN = Component::run;
    private static final Lib.Destroy DESTROY_NODE = state -> NODES.remove(Pointer.nativeValue(state));
    private static final Lib.Destroy DESTROY = data -> REGISTERED.remove(Pointer.nativeValue(data));

    static {
        // Threads of the engine stay attached until they end, instead of anew for each call, and do not keep the
        // virtual machine from ending.
        CallbackThreadInitializer once = new CallbackThreadInitializer(true, false, "reflow");
        for (com.sun.jna.Callback callback : List.of(CREATE, SETUP, RUN, DESTROY_NODE, DESTROY)) {
            Native.setCallbackThreadInitializer(callback, once);
        }
    }

    private final String id;
    private final Factory factory;
    private final List<Port> inports = new ArrayList<>();
    private final List<Port> outports = new ArrayList<>();
    private Await await = Await.ANY;
    private int concurrency;

    public Component(String id, Factory factory) {
        if (factory == null) throw missing(id);
        this.id = id;
        this.factory = factory;
    }

    /** A component that remembers nothing. */
    public static Component of(String id, Actor actor) {
        if (actor == null) throw missing(id);
        return new Component(id, (node, config) -> actor);
    }

    private static ReflowException missing(String id) {
        return ReflowException.of("REFLOW_ERROR_INVALID_ARGUMENT", "the component '" + id + "' has no actor");
    }

    public Component inport(String name) {
        inports.add(new Port(name, 0));
        return this;
    }

    public Component requiredInport(String name) {
        inports.add(new Port(name, 1));
        return this;
    }

    public Component arrayInport(String name) {
        inports.add(new Port(name, 2));
        return this;
    }

    public Component outport(String name) {
        outports.add(new Port(name, 0));
        return this;
    }

    public Component awaits(Await rule) {
        await = rule;
        return this;
    }

    /** How many firings of one actor may end later at the same time. */
    public Component concurrency(int firings) {
        concurrency = firings;
        return this;
    }

    /** For tests: how much of what was registered the engine has not let go of. */
    static int alive() {
        return REGISTERED.size() + NODES.size();
    }

    private static Lib.Port[] ports(List<Port> from) {
        if (from.isEmpty()) return null;
        Lib.Port[] ports = (Lib.Port[]) new Lib.Port().toArray(from.size());
        for (int i = 0; i < ports.length; ++i) {
            ports[i].name.set(from.get(i).name());
            ports[i].flags = from.get(i).flags();
            ports[i].write();
        }
        return ports;
    }

    void register(Handle runtime) {
        Lib.Port[] in = ports(inports);
        Lib.Port[] out = ports(outports);
        Lib.ComponentData data = new Lib.ComponentData();
        data.struct_size = data.size();
        data.port_size = new Lib.Port().size();
        data.id.set(id);
        data.inports = in == null ? null : in[0].getPointer();
        data.inport_count = inports.size();
        data.outports = out == null ? null : out[0].getPointer();
        data.outport_count = outports.size();
        data.await = await.ordinal();
        data.max_concurrency = concurrency;
        data.create = CREATE;
        data.setup = SETUP;
        data.run = RUN;
        data.destroy_state = DESTROY_NODE;
        data.destroy = DESTROY;
        long number = NUMBERS.incrementAndGet();
        REGISTERED.put(number, new Registered(outports.stream().map(Port::name).toList(), factory));
        data.user_data = new Pointer(number);
        boolean[] taken = {false};
        try {
            runtime.check((of, error) -> {
                taken[0] = true; // in any case
                return REFLOW.reflow_runtime_register(of, data, error);
            });
        } finally {
            if (!taken[0]) REGISTERED.remove(number);
        }
    }

    // ---- callbacks: whatever is thrown is a failure, and never leaves them

    private interface Body {
        void run() throws Exception;
    }

    private static int guarded(Pointer context, Body body) {
        try {
            body.run();
            return Lib.OK;
        } catch (Throwable thrown) {
            return REFLOW.reflow_context_fail_with(context, failure(thrown));
        }
    }

    static Lib.FailureData failure(Throwable thrown) {
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace));
        Lib.FailureData data = new Lib.FailureData();
        boolean plain = thrown instanceof Failure;
        data.message.set(plain ? thrown.getMessage() : thrown.toString());
        data.hint.set(plain ? ((Failure) thrown).hint() : "");
        data.trace.set(trace.toString());
        return data;
    }

    private static int create(Pointer context, Pointer userData, PointerByReference state) {
        return guarded(context, () -> {
            Registered component = REGISTERED.get(Pointer.nativeValue(userData));
            String node = REFLOW.reflow_context_node(context).text();
            Actor actor = component.factory().make(node, Context.config(context));
            if (actor == null) throw new Failure("the factory of the component made no actor", "");
            long number = NUMBERS.incrementAndGet();
            NODES.put(number, new Node(actor, component.outports()));
            state.setValue(new Pointer(number));
        });
    }

    private static int setup(Pointer context, Pointer state) {
        return guarded(context, () -> NODES.get(Pointer.nativeValue(state)).actor().setup());
    }

    private static int run(Pointer context, Pointer state, Pointer inputs, long count) {
        return guarded(context, () -> {
            Node node = NODES.get(Pointer.nativeValue(state));
            List<Input> packets = new ArrayList<>((int) count);
            for (long i = 0; i < count; ++i) packets.add(Input.at(inputs.share(i * Input.SIZE)));
            Context call = new Context(context, node.outports());
            try {
                node.actor().run(call, packets);
            } finally {
                call.end();
                for (Input packet : packets) {
                    if (packet.value() instanceof Stream stream) stream.close();
                }
            }
        });
    }
}
