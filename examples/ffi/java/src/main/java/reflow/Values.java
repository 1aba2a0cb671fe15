package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.ByteByReference;
import com.sun.jna.ptr.DoubleByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Values of Java and the kinds of messages: null, Boolean, Long (Integer, Short, Byte), Double (Float), String,
 * byte[], List, Map with String keys, {@link Stream}, {@link ErrorValue} and {@link Flow}. Other kinds come as {@link Other}.
 */
public final class Values {
    private Values() {}

    /** An error as a packet: what error ports send. */
    public record ErrorValue(String text) {}

    /** A signal without content. */
    public enum Flow { FLOW }

    /** A value of a kind that has no counterpart here, as JSON. */
    public record Other(String json) {}

    /** Reads plain JSON. */
    public static Object fromJson(String json) {
        Memory out = new Memory(16);
        ReflowException.check(error -> REFLOW.reflow_message_from_json(Lib.view(json), null, out, error));
        return take(Lib.Message.at(out));
    }

    /** Writes plain JSON. */
    public static String toJson(Object value) {
        Lib.Message.ByValue message = message(value);
        try {
            return json(message);
        } finally {
            REFLOW.reflow_message_unref(message);
        }
    }

    private static String json(Lib.Message.ByValue message) {
        PointerByReference buffer = new PointerByReference();
        ReflowException.check(error -> REFLOW.reflow_message_to_json(message, 0, buffer, error));
        try {
            return REFLOW.reflow_buffer_get(buffer.getValue()).text();
        } finally {
            REFLOW.reflow_buffer_destroy(buffer.getValue());
        }
    }

    /** Makes a message, which the caller ends or hands over. */
    static Lib.Message.ByValue message(Object value) {
        if (value == null) return REFLOW.reflow_message_null();
        if (value == Flow.FLOW) return REFLOW.reflow_message_flow();
        if (value instanceof Boolean flag) return REFLOW.reflow_message_boolean((byte) (flag ? 1 : 0));
        if (value instanceof Double || value instanceof Float) {
            return REFLOW.reflow_message_float(((Number) value).doubleValue());
        }
        if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return REFLOW.reflow_message_integer(((Number) value).longValue());
        }
        if (value instanceof Stream stream) return stream.message();
        if (value instanceof List<?> list) return array(list);
        if (value instanceof Map<?, ?> map) return object(map);
        Memory out = new Memory(16);
        ReflowException.check(error -> {
            if (value instanceof String text) return REFLOW.reflow_message_string(Lib.view(text), out, error);
            if (value instanceof ErrorValue text) {
                return REFLOW.reflow_message_error(Lib.view(text.text()), out, error);
            }
            if (value instanceof byte[] bytes) return REFLOW.reflow_message_bytes(bytes, bytes.length, out, error);
            throw ReflowException.of("REFLOW_ERROR_TYPE",
                "a value of the type " + value.getClass().getName() + " is no message");
        });
        return Lib.Message.at(out);
    }

    private static Lib.Message.ByValue array(List<?> list) {
        PointerByReference made = new PointerByReference();
        Memory out = new Memory(16);
        ReflowException.check(error -> REFLOW.reflow_array_builder_create(list.size(), made, error));
        Pointer builder = made.getValue();
        try {
            for (Object value : list) {
                Lib.Message.ByValue element = message(value);
                ReflowException.check(error -> REFLOW.reflow_array_builder_append(builder, element, error));
            }
        } catch (RuntimeException failure) {
            REFLOW.reflow_array_builder_destroy(builder);
            throw failure;
        }
        ReflowException.check(error -> REFLOW.reflow_array_builder_finish(builder, out, error));
        return Lib.Message.at(out);
    }

    private static Lib.Message.ByValue object(Map<?, ?> map) {
        PointerByReference made = new PointerByReference();
        Memory out = new Memory(16);
        ReflowException.check(error -> REFLOW.reflow_object_builder_create(map.size(), made, error));
        Pointer builder = made.getValue();
        try {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                Lib.Message.ByValue value = message(entry.getValue());
                Lib.View.ByValue key = Lib.view(String.valueOf(entry.getKey()));
                ReflowException.check(error -> REFLOW.reflow_object_builder_set(builder, key, value, error));
            }
        } catch (RuntimeException failure) {
            REFLOW.reflow_object_builder_destroy(builder);
            throw failure;
        }
        ReflowException.check(error -> REFLOW.reflow_object_builder_finish(builder, out, error));
        return Lib.Message.at(out);
    }

    /** Copies a message and ends it. */
    static Object take(Lib.Message.ByValue message) {
        try {
            return copy(message);
        } finally {
            REFLOW.reflow_message_unref(message);
        }
    }

    /** Copies a message, which stays where it is. */
    static Object copy(Lib.Message.ByValue message) {
        switch (REFLOW.reflow_message_kind(message)) {
            case 0, 1:
                return null;
            case 2:
                return Flow.FLOW;
            case 3:
                ByteByReference flag = new ByteByReference();
                REFLOW.reflow_message_get_boolean(message, flag);
                return flag.getValue() != 0;
            case 4:
                LongByReference integer = new LongByReference();
                REFLOW.reflow_message_get_integer(message, integer);
                return integer.getValue();
            case 5:
                DoubleByReference number = new DoubleByReference();
                REFLOW.reflow_message_get_float(message, number);
                return number.getValue();
            case 16:
                return bytes(message).text();
            case 17:
                return bytes(message).bytes();
            case 18:
                return elements(message);
            case 19:
                return fields(message);
            case 21:
                return new ErrorValue(bytes(message).text());
            case 25:
                return new Stream(REFLOW.reflow_message_ref(message));
            default:
                return new Other(json(message));
        }
    }

    private static Lib.View bytes(Lib.Message.ByValue message) {
        Lib.View view = new Lib.View();
        REFLOW.reflow_message_get_bytes(message, view);
        return view;
    }

    private static List<Object> elements(Lib.Message.ByValue message) {
        long count = REFLOW.reflow_message_count(message);
        List<Object> values = new ArrayList<>((int) count);
        Memory element = new Memory(16);
        for (long i = 0; i < count; ++i) {
            REFLOW.reflow_message_get_at(message, i, element);
            values.add(copy(Lib.Message.at(element)));
        }
        return values;
    }

    private static Map<String, Object> fields(Lib.Message.ByValue message) {
        long count = REFLOW.reflow_message_count(message);
        Map<String, Object> values = new LinkedHashMap<>();
        Memory element = new Memory(16);
        for (long i = 0; i < count; ++i) {
            Lib.View key = new Lib.View();
            REFLOW.reflow_message_get_key(message, i, key);
            REFLOW.reflow_message_get_at(message, i, element);
            values.put(key.text(), copy(Lib.Message.at(element)));
        }
        return values;
    }
}
