package reflow;

import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import com.sun.jna.ptr.ByteByReference;
import com.sun.jna.ptr.DoubleByReference;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;

/** What is used of reflow.h, for JNA on machines with 64 bits. A bool is a byte here, a size_t a long. */
interface Lib extends Library {
    Lib REFLOW = Native.load("reflow", Lib.class);

    int OK = 0;
    int HOST = -81;
    int NO_INDEX = -1;
    long FOREVER = -1;

    /** A text or bytes; it keeps the memory that it points to. */
    @FieldOrder({"data", "size"})
    class View extends Structure {
        public Pointer data;
        public long size;

        public static class ByValue extends View implements Structure.ByValue {
            public ByValue() {}

            ByValue(String text) {
                set(text);
            }
        }

        void set(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            Memory memory = new Memory(bytes.length + 1L);
            memory.write(0, bytes, 0, bytes.length);
            memory.setByte(bytes.length, (byte) 0);
            data = memory;
            size = bytes.length;
        }

        byte[] bytes() {
            return data == null || size == 0 ? new byte[0] : data.getByteArray(0, (int) size);
        }

        String text() {
            return new String(bytes(), StandardCharsets.UTF_8);
        }
    }

    static View.ByValue view(String text) {
        return new View.ByValue(text);
    }

    @FieldOrder({"tag", "payload"})
    class Message extends Structure {
        public long tag;
        public long payload;

        public static class ByValue extends Message implements Structure.ByValue {}

        /** A message that stands somewhere in memory. */
        static ByValue at(Pointer memory) {
            ByValue message = new ByValue();
            message.tag = memory.getLong(0);
            message.payload = memory.getLong(8);
            return message;
        }
    }

    @FieldOrder({"struct_size", "line", "column", "has_offset", "offset", "file", "path", "node", "port"})
    class Place extends Structure {
        public int struct_size = size();
        public int line;
        public int column;
        public int has_offset;
        public long offset;
        public View file;
        public View path;
        public View node;
        public View port;
    }

    @FieldOrder({"name", "type", "description", "flags", "capacity", "capacity_bytes"})
    class Port extends Structure {
        public View name;
        public View type;
        public View description;
        public int flags;
        public int capacity;
        public long capacity_bytes;
    }

    @FieldOrder({"node", "port", "index", "reserved"})
    class Endpoint extends Structure {
        public View node = new View();
        public View port = new View();
        public int index = NO_INDEX;
        public int reserved;

        Endpoint(String place) {
            String[] parts = Network.split(place);
            node.set(parts[0]);
            port.set(parts[1]);
        }
    }

    @FieldOrder({"id"})
    class Id extends Structure {
        public long id;

        public static class ByValue extends Id implements Structure.ByValue {
            public ByValue() {}

            ByValue(long number) {
                id = number;
            }
        }
    }

    interface Create extends Callback {
        int call(Pointer context, Pointer userData, PointerByReference state);
    }

    interface State extends Callback {
        int call(Pointer context, Pointer state);
    }

    interface Run extends Callback {
        int call(Pointer context, Pointer state, Pointer inputs, long count);
    }

    interface Destroy extends Callback {
        void call(Pointer data);
    }

    @FieldOrder({"struct_size", "port_size", "id", "title", "description", "category", "config_schema", "inports",
        "outports", "inport_count", "outport_count", "await", "max_batch", "flags", "max_concurrency", "create",
        "setup", "run", "finish", "teardown", "destroy_state", "user_data", "destroy", "timeout_ms", "save", "load",
        "state_version"})
    class ComponentData extends Structure {
        public int struct_size;
        public int port_size;
        public View id;
        public View title;
        public View description;
        public View category;
        public View config_schema;
        public Pointer inports;
        public Pointer outports;
        public int inport_count;
        public int outport_count;
        public int await;
        public int max_batch;
        public int flags;
        public int max_concurrency;
        public Create create;
        public State setup;
        public Run run;
        public Pointer finish;
        public Pointer teardown;
        public Destroy destroy_state;
        public Pointer user_data;
        public Destroy destroy;
        public long timeout_ms;
        public Pointer save;
        public Pointer load;
        public int state_version;
    }

    @FieldOrder({"struct_size", "mode", "workers", "batch_packets", "batch_us", "port_capacity", "seed", "max_actors",
        "max_growth", "log", "print", "thread_start", "thread_stop", "user_data", "destroy", "log_level",
        "blocking_threads", "wake", "max_packets", "max_completions", "max_streams", "max_pool_bytes", "watchdog_ms",
        "port_capacity_bytes", "check_types"})
    class RuntimeOptions extends Structure {
        public int struct_size = size();
        public int mode;
        public int workers;
        public int batch_packets;
        public int batch_us;
        public int port_capacity;
        public long seed;
        public long max_actors;
        public long max_growth;
        public Pointer log;
        public Pointer print;
        public Pointer thread_start;
        public Pointer thread_stop;
        public Pointer user_data;
        public Pointer destroy;
        public int log_level;
        public int blocking_threads;
        public Pointer wake;
        public long max_packets;
        public long max_completions;
        public long max_streams;
        public long max_pool_bytes;
        public long watchdog_ms;
        public long port_capacity_bytes;
        public int check_types;
    }

    @FieldOrder({"struct_size", "reserved", "trace_id", "span_id", "deadline_ms", "correlation", "source_network",
        "source_instance", "source_actor", "message_id"})
    class Envelope extends Structure {
        public int struct_size;
        public int reserved;
        public byte[] trace_id = new byte[16];
        public byte[] span_id = new byte[8];
        public long deadline_ms;
        public View correlation;
        public View source_network;
        public View source_instance;
        public View source_actor;
        public View message_id;
    }

    @FieldOrder({"struct_size", "held_back", "fired", "received", "sent", "failed", "dropped", "waiting"})
    class Counters extends Structure {
        public int struct_size = size();
        public int held_back;
        public long fired;
        public long received;
        public long sent;
        public long failed;
        public long dropped;
        public long waiting;
    }

    @FieldOrder({"struct_size", "capacity", "kinds", "nodes", "sample", "max_batch", "callback", "user_data",
        "destroy"})
    class EventOptions extends Structure {
        public int struct_size = size();
        public int capacity;
        public long kinds;
        public View nodes;
        public int sample;
        public int max_batch;
        public Pointer callback;
        public Pointer user_data;
        public Pointer destroy;
    }

    @FieldOrder({"struct_size", "kind", "sequence", "timestamp_ms", "duration_ns", "count", "node", "component",
        "port", "peer", "peer_port", "error", "message", "size_", "waiting", "outputs", "breakpoint", "trace", "state",
        "details", "path", "envelope", "stalls"})
    class EventData extends Structure {
        public int struct_size;
        public int kind;
        public long sequence;
        public long timestamp_ms;
        public long duration_ns;
        public long count;
        public View node;
        public View component;
        public View port;
        public View peer;
        public View peer_port;
        public View error;
        public Message message;
        public long size_;
        public long waiting;
        public Message outputs;
        public long breakpoint;
        public View trace;
        public int state;
        public int details;
        public View path;
        public Envelope envelope;
        public long stalls;
    }

    @FieldOrder({"struct_size", "reserved", "nodes_added", "nodes_removed", "nodes_replaced", "nodes_kept",
        "connections_added", "connections_removed", "packets_dropped"})
    class Change extends Structure {
        public int struct_size = size();
        public int reserved;
        public long nodes_added;
        public long nodes_removed;
        public long nodes_replaced;
        public long nodes_kept;
        public long connections_added;
        public long connections_removed;
        public long packets_dropped;
    }

    @FieldOrder({"struct_size", "status", "message", "hint", "trace"})
    class FailureData extends Structure {
        public int struct_size = size();
        public int status = HOST;
        public View message = new View();
        public View hint = new View();
        public View trace = new View();
    }

    @FieldOrder({"struct_size", "max_frames", "max_bytes", "size_hint", "has_size_hint", "reserved", "content_type",
        "metadata"})
    class StreamOptions extends Structure {
        public int struct_size = size();
        public int max_frames;
        public long max_bytes;
        public long size_hint;
        public int has_size_hint;
        public int reserved;
        public View content_type = new View();
        public Message metadata;
    }

    int reflow_abi_check(int abi);
    View.ByValue reflow_status_name(int status);
    View.ByValue reflow_buffer_get(Pointer buffer);
    void reflow_buffer_destroy(Pointer buffer);
    View.ByValue reflow_error_message(Pointer error);
    View.ByValue reflow_error_hint(Pointer error);
    View.ByValue reflow_error_text(Pointer error);
    int reflow_error_place(Pointer error, Place place);
    void reflow_error_destroy(Pointer error);

    Message.ByValue reflow_message_null();
    Message.ByValue reflow_message_flow();
    Message.ByValue reflow_message_boolean(byte value);
    Message.ByValue reflow_message_integer(long value);
    Message.ByValue reflow_message_float(double value);
    int reflow_message_string(View.ByValue text, Pointer out, PointerByReference error);
    int reflow_message_bytes(byte[] data, long size, Pointer out, PointerByReference error);
    int reflow_message_error(View.ByValue text, Pointer out, PointerByReference error);
    int reflow_message_numbers(int type, long[] data, long count, Pointer out, PointerByReference error);
    int reflow_message_numbers(int type, double[] data, long count, Pointer out, PointerByReference error);
    Message.ByValue reflow_message_ref(Message.ByValue message);
    void reflow_message_unref(Message.ByValue message);
    int reflow_message_kind(Message.ByValue message);
    int reflow_message_get_boolean(Message.ByValue message, ByteByReference out);
    int reflow_message_get_integer(Message.ByValue message, LongByReference out);
    int reflow_message_get_float(Message.ByValue message, DoubleByReference out);
    int reflow_message_get_bytes(Message.ByValue message, View out);
    long reflow_message_count(Message.ByValue message);
    int reflow_message_get_at(Message.ByValue message, long index, Pointer out);
    int reflow_message_get_key(Message.ByValue message, long index, View out);
    int reflow_array_builder_create(long expected, PointerByReference out, PointerByReference error);
    int reflow_array_builder_append(Pointer builder, Message.ByValue element, PointerByReference error);
    int reflow_array_builder_finish(Pointer builder, Pointer out, PointerByReference error);
    void reflow_array_builder_destroy(Pointer builder);
    int reflow_object_builder_create(long expected, PointerByReference out, PointerByReference error);
    int reflow_object_builder_set(Pointer builder, View.ByValue key, Message.ByValue value, PointerByReference error);
    int reflow_object_builder_finish(Pointer builder, Pointer out, PointerByReference error);
    void reflow_object_builder_destroy(Pointer builder);
    int reflow_message_from_json(View.ByValue text, Pointer options, Pointer out, PointerByReference error);
    int reflow_message_to_json(Message.ByValue message, int style, PointerByReference out, PointerByReference error);

    int reflow_runtime_create(RuntimeOptions options, PointerByReference out, PointerByReference error);
    void reflow_runtime_destroy(Pointer runtime);
    int reflow_runtime_register(Pointer runtime, ComponentData component, PointerByReference error);
    View.ByValue reflow_context_node(Pointer context);
    Message.ByValue reflow_context_config(Pointer context);
    int reflow_context_emit(Pointer context, int port, Message.ByValue message);
    int reflow_context_again(Pointer context);
    int reflow_context_defer(Pointer context, long firing, LongByReference out);
    int reflow_context_fail_with(Pointer context, FailureData failure);
    int reflow_completion_emit(Id.ByValue completion, int port, Message.ByValue message, long timeout);
    int reflow_completion_resolve(Id.ByValue completion);
    int reflow_completion_fail_with(Id.ByValue completion, FailureData failure);
    byte reflow_completion_cancelled(Id.ByValue completion);

    int reflow_graph_load(View.ByValue document, int format, View.ByValue name, PointerByReference out,
        PointerByReference error);
    int reflow_graph_load_file(View.ByValue path, PointerByReference out, PointerByReference error);
    int reflow_graph_set_component(Pointer graph, View.ByValue id, View.ByValue component, PointerByReference error);
    int reflow_graph_set_config_value(Pointer graph, View.ByValue id, View.ByValue key, Message.ByValue value,
        PointerByReference error);
    void reflow_graph_destroy(Pointer graph);

    int reflow_network_create(Pointer runtime, Pointer graph, PointerByReference out, PointerByReference error);
    void reflow_network_destroy(Pointer network);
    int reflow_network_start(Pointer network, PointerByReference error);
    int reflow_network_get_state(Pointer network);
    int reflow_network_wait_idle(Pointer network, long timeout, PointerByReference error);
    int reflow_network_end_sources(Pointer network, PointerByReference error);
    int reflow_network_drain(Pointer network, long timeout, PointerByReference error);
    int reflow_network_stop(Pointer network, long timeout, PointerByReference error);
    int reflow_network_cancel(Pointer network, View.ByValue node, LongByReference count, PointerByReference error);
    int reflow_network_pause(Pointer network, View.ByValue path, long timeout, PointerByReference error);
    int reflow_network_resume(Pointer network, View.ByValue path, PointerByReference error);
    int reflow_network_step(Pointer network, View.ByValue path, long firings, long timeout, LongByReference fired,
        PointerByReference error);
    int reflow_network_counters(Pointer network, View.ByValue node, Counters counters, PointerByReference error);
    int reflow_network_find_inport(Pointer network, View.ByValue node, View.ByValue port, LongByReference out,
        PointerByReference error);
    int reflow_network_carry_envelopes(Pointer network, PointerByReference error);
    int reflow_network_send(Pointer network, Id.ByValue inport, Message.ByValue message, long timeout,
        PointerByReference error);
    int reflow_network_send_enveloped(Pointer network, Id.ByValue inport, Message.ByValue message, Envelope envelope,
        long timeout, PointerByReference error);
    int reflow_network_open_output(Pointer network, View.ByValue node, View.ByValue port, int capacity,
        PointerByReference out, PointerByReference error);
    int reflow_output_recv_many(Pointer output, Pointer messages, long max, long timeout, LongByReference count,
        PointerByReference error);
    int reflow_output_recv_enveloped(Pointer output, Pointer message, Envelope envelope, long timeout,
        PointerByReference error);
    void reflow_output_destroy(Pointer output);

    int reflow_network_subscribe(Pointer network, EventOptions options, PointerByReference out,
        PointerByReference error);
    int reflow_subscription_poll(Pointer subscription, long max, long timeout, PointerByReference out,
        LongByReference missed, PointerByReference error);
    void reflow_subscription_destroy(Pointer subscription);
    long reflow_event_batch_count(Pointer batch);
    int reflow_event_batch_get(Pointer batch, long index, EventData event);
    void reflow_event_batch_destroy(Pointer batch);

    int reflow_stream_create(Pointer runtime, StreamOptions options, PointerByReference writer, Pointer handle,
        PointerByReference error);
    int reflow_stream_write(Pointer writer, Message.ByValue data, long timeout);
    int reflow_stream_end(Pointer writer);
    int reflow_stream_fail(Pointer writer, View.ByValue text);
    void reflow_stream_writer_destroy(Pointer writer);
    int reflow_stream_accept(Pointer runtime, Message.ByValue handle, PointerByReference out,
        PointerByReference error);
    int reflow_stream_observe(Pointer runtime, Message.ByValue handle, Pointer options, PointerByReference out,
        PointerByReference error);
    int reflow_stream_read(Pointer reader, Pointer frames, long max, long timeout, LongByReference count);
    int reflow_stream_get_begin(Pointer reader, Pointer out);
    long reflow_stream_missed(Pointer reader);
    void reflow_stream_reader_destroy(Pointer reader);

    int reflow_network_list_dead_letters(Pointer network, View.ByValue path, long after, long max, Pointer out,
        PointerByReference error);
    int reflow_network_replay_dead_letters(Pointer network, View.ByValue path, LongByReference count,
        PointerByReference error);
    int reflow_network_drop_dead_letters(Pointer network, long id, View.ByValue path, LongByReference count,
        PointerByReference error);
    int reflow_network_apply(Pointer network, Pointer graph, Pointer options, Change change, PointerByReference error);
    int reflow_network_add_node(Pointer network, View.ByValue id, View.ByValue component, Message.ByValue config,
        PointerByReference error);
    int reflow_network_replace_node(Pointer network, View.ByValue id, View.ByValue component, Message.ByValue config,
        PointerByReference error);
    int reflow_network_remove_node(Pointer network, View.ByValue id, PointerByReference error);
    int reflow_network_connect(Pointer network, Endpoint from, Endpoint to, Message.ByValue metadata,
        PointerByReference error);
    int reflow_network_disconnect(Pointer network, Endpoint from, Endpoint to, PointerByReference error);
}
