package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.ByteByReference;
import com.sun.jna.ptr.DoubleByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Values of Java and the kinds of messages: null, Boolean, Long (Integer, Short, Byte), Double (Float), String,
 * byte[], List, Map with String keys, {@link Stream}, {@link ErrorValue} and {@link Flow}. Other kinds come as {@link Other}.
 * long[] and double[] go as they are, and come as lists.
 */
public final class Values {
    private static final int I64 = 7;
    private static final int F64 = 10;
    private static final int MAX_DEPTH = 128; // REFLOW_MAX_DEPTH

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
        try {
            return made(value, 0);
        } catch (Unfit unfit) {
            throw ReflowException.at("$" + unfit.shown(), unfit.status, unfit.getMessage());
        }
    }

    /** What is no message; its path grows from the inside to the outside. */
    private static final class Unfit extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final String status;
        private String path = "";

        Unfit(String what) {
            this("REFLOW_ERROR_TYPE", what);
        }

        Unfit(String status, String what) {
            super(what, null, false, false);
            this.status = status;
        }

        /** Of what holds itself the path is long. */
        String shown() {
            return path.length() > 100 ? path.substring(0, 100) + "..." : path;
        }

        Unfit inside(String step) {
            path = step + path;
            return this;
        }
    }

    /** Text as it is in memory: half of a pair of surrogates is no character. */
    private static Lib.View.ByValue text(String text) {
        if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) return Lib.view(text);
        throw new Unfit("a text with half of a pair of surrogates is not Unicode");
    }

    /** One that stands inside of so many others. The library would refuse one that is too deep, but to one that holds
     * itself there is no end. */
    private static Lib.Message.ByValue made(Object value, int level) {
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
        if (value instanceof List<?> || value instanceof Map<?, ?>) {
            if (level == MAX_DEPTH) {
                throw new Unfit("REFLOW_ERROR_LIMIT", "nested deeper than " + MAX_DEPTH + " levels; does it hold itself?");
            }
            return value instanceof List<?> list ? array(list, level + 1) : object((Map<?, ?>) value, level + 1);
        }
        Memory out = new Memory(16);
        ReflowException.check(error -> {
            if (value instanceof String text) return REFLOW.reflow_message_string(text(text), out, error);
            if (value instanceof ErrorValue text) return REFLOW.reflow_message_error(text(text.text()), out, error);
            if (value instanceof byte[] bytes) return REFLOW.reflow_message_bytes(bytes, bytes.length, out, error);
            if (value instanceof long[] all) { // an array of no length is passed as none
                return REFLOW.reflow_message_numbers(I64, all.length == 0 ? new long[1] : all, all.length, out, error);
            }
            if (value instanceof double[] all) {
                return REFLOW.reflow_message_numbers(F64, all.length == 0 ? new double[1] : all, all.length, out, error);
            }
            throw new Unfit("a value of the type " + value.getClass().getName() + " is no message");
        });
        return Lib.Message.at(out);
    }

    private static Lib.Message.ByValue array(List<?> list, int level) {
        PointerByReference made = new PointerByReference();
        Memory out = new Memory(16);
        ReflowException.check(error -> REFLOW.reflow_array_builder_create(list.size(), made, error));
        Pointer builder = made.getValue();
        try {
            int at = 0;
            for (Object value : list) {
                Lib.Message.ByValue element = element(value, at++, level);
                ReflowException.check(error -> REFLOW.reflow_array_builder_append(builder, element, error));
            }
        } catch (RuntimeException failure) {
            REFLOW.reflow_array_builder_destroy(builder);
            throw failure;
        }
        ReflowException.check(error -> REFLOW.reflow_array_builder_finish(builder, out, error));
        return Lib.Message.at(out);
    }

    private static Lib.Message.ByValue element(Object value, int at, int level) {
        try {
            return made(value, level);
        } catch (Unfit unfit) {
            throw unfit.inside("[" + at + "]");
        }
    }

    private static Lib.Message.ByValue field(Map.Entry<?, ?> entry, int level) {
        if (!(entry.getKey() instanceof String key)) {
            String type = entry.getKey() == null ? "null" : "of the type " + entry.getKey().getClass().getName();
            throw new Unfit("the key " + entry.getKey() + " is " + type + ", and keys are strings");
        }
        try {
            return made(entry.getValue(), level);
        } catch (Unfit unfit) {
            throw unfit.inside("." + key);
        }
    }

    private static Lib.Message.ByValue object(Map<?, ?> map, int level) {
        PointerByReference made = new PointerByReference();
        Memory out = new Memory(16);
        ReflowException.check(error -> REFLOW.reflow_object_builder_create(map.size(), made, error));
        Pointer builder = made.getValue();
        try {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                Lib.Message.ByValue value = field(entry, level);
                Lib.View.ByValue key = key(entry.getKey(), value);
                ReflowException.check(error -> REFLOW.reflow_object_builder_set(builder, key, value, error));
            }
        } catch (RuntimeException failure) {
            REFLOW.reflow_object_builder_destroy(builder);
            throw failure;
        }
        ReflowException.check(error -> REFLOW.reflow_object_builder_finish(builder, out, error));
        return Lib.Message.at(out);
    }

    private static Lib.View.ByValue key(Object key, Lib.Message.ByValue value) {
        try {
            return text((String) key);
        } catch (Unfit unfit) {
            REFLOW.reflow_message_unref(value);
            throw unfit;
        }
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
