package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * The handle of a stream: what travels in packets. Who receives one accepts it and reads. An actor accepts it before its
 * call returns, keeps its firing open ({@link Context#defer}) and reads on a thread of its own, since callbacks do not wait.
 * A handle that is neither sent nor accepted is ended by close; those among the inputs of a call end with it.
 */
public final class Stream implements AutoCloseable {
    private final Lib.Message.ByValue message;
    private boolean closed;

    /** Takes the message. */
    Stream(Lib.Message.ByValue message) {
        this.message = message;
    }

    /** A message that the caller ends or hands over. */
    synchronized Lib.Message.ByValue message() {
        return REFLOW.reflow_message_ref(usable());
    }

    private Lib.Message.ByValue usable() {
        if (closed) throw Handle.closed("handle of the stream");
        return message;
    }

    /** When the last handle has gone before anybody has accepted the stream, nobody can read any more. */
    @Override
    public synchronized void close() {
        if (!closed) REFLOW.reflow_message_unref(message);
        closed = true;
    }

    /** A stream that was just made: its writer, and the handle to send. */
    public record Opened(Writer writer, Stream handle) {}

    static Opened open(ReflowRuntime runtime, String contentType) {
        Lib.StreamOptions options = new Lib.StreamOptions();
        options.content_type.set(contentType);
        PointerByReference writer = new PointerByReference();
        Memory handle = new Memory(16);
        runtime.handle.check((of, error) -> REFLOW.reflow_stream_create(of, options, writer, handle, error));
        return new Opened(new Writer(writer.getValue()), new Stream(Lib.Message.at(handle)));
    }

    synchronized Reader accept(ReflowRuntime runtime) {
        PointerByReference out = new PointerByReference();
        runtime.handle.check((of, error) -> REFLOW.reflow_stream_accept(of, usable(), out, error));
        return new Reader(out.getValue());
    }

    synchronized Reader observe(ReflowRuntime runtime) {
        PointerByReference out = new PointerByReference();
        runtime.handle.check((of, error) -> REFLOW.reflow_stream_observe(of, usable(), null, out, error));
        return new Reader(out.getValue());
    }

    private static IOException failure(ReflowException cause) {
        return new IOException(cause.getMessage(), cause);
    }

    /** The writing end. Writes come one after another; close says that the data is complete, and ends one that waits. */
    public static final class Writer extends OutputStream {
        private final Handle handle;
        private final Object turn = new Object();

        private Writer(Pointer raw) {
            handle = new Handle("writer", raw, REFLOW::reflow_stream_writer_destroy);
        }

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        /** Writes a frame, waiting for room; it fails when nobody can read any more. */
        @Override
        public void write(byte[] data, int from, int count) throws IOException {
            if (count == 0) return;
            byte[] part = from == 0 ? data : java.util.Arrays.copyOfRange(data, from, from + count);
            Memory out = new Memory(16);
            ReflowException.check(error -> REFLOW.reflow_message_bytes(part, count, out, error));
            Lib.Message.ByValue message = Lib.Message.at(out);
            try {
                synchronized (turn) {
                    handle.await(Lib.FOREVER, (writer, slice, error) -> REFLOW.reflow_stream_write(writer, message, slice));
                }
            } catch (ReflowException refused) {
                REFLOW.reflow_message_unref(message);
                throw failure(refused);
            }
        }

        @Override
        public void close() throws IOException {
            end(REFLOW::reflow_stream_end);
        }

        /** The data is not complete, and will not be; the reader is told why. */
        public void fail(String why) throws IOException {
            end(writer -> REFLOW.reflow_stream_fail(writer, Lib.view(why)));
        }

        private void end(ToIntFunction<Pointer> call) throws IOException {
            int[] status = {Lib.OK};
            handle.close(writer -> {
                synchronized (turn) { // a write that waits has found out
                    status[0] = call.applyAsInt(writer);
                }
            });
            if (status[0] != Lib.OK) throw failure(ReflowException.of(status[0], null));
        }
    }

    /** The reading end, or an observer. Reads come one after another, and close ends one that waits. */
    public static final class Reader extends InputStream {
        private static final int DATA = 2;
        private static final int END = 3;
        private static final int ERROR = 4;
        private final Handle handle;
        private byte[] frame = new byte[0];
        private int at;
        private boolean ended;

        private Reader(Pointer raw) {
            handle = new Handle("reader", raw, REFLOW::reflow_stream_reader_destroy);
        }

        /** What the writer said of the stream: content_type, size_hint, metadata. */
        @SuppressWarnings("unchecked")
        public Map<String, Object> begin() {
            return (Map<String, Object>) handle.use(reader -> {
                Memory out = new Memory(16);
                int status = REFLOW.reflow_stream_get_begin(reader, out);
                if (status != Lib.OK) throw ReflowException.of(status, null);
                return Values.copy(Lib.Message.at(out));
            });
        }

        /** How many frames an observer has missed. */
        public long missed() {
            return handle.use(REFLOW::reflow_stream_missed);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        /** Reads what is there, waiting for the next frame. It fails if the data is not complete. */
        @Override
        public synchronized int read(byte[] to, int from, int count) throws IOException {
            if (count == 0) return 0;
            while (at == frame.length) {
                if (ended) return -1;
                next();
            }
            int taken = Math.min(count, frame.length - at);
            System.arraycopy(frame, at, to, from, taken);
            at += taken;
            return taken;
        }

        private void next() throws IOException {
            Memory out = new Memory(24);
            LongByReference count = new LongByReference();
            try {
                handle.await(Lib.FOREVER, (reader, slice, error) -> REFLOW.reflow_stream_read(reader, out, 1, slice, count));
            } catch (ReflowException refused) {
                throw failure(refused);
            }
            Object value = Values.take(Lib.Message.at(out.share(8)));
            switch (out.getInt(0)) {
                case DATA -> {
                    frame = (byte[]) value;
                    at = 0;
                }
                case END -> ended = true;
                case ERROR -> throw new IOException(((Values.ErrorValue) value).text());
                default -> { } // BEGIN
            }
        }

        @Override
        public void close() {
            handle.close();
        }
    }
}
