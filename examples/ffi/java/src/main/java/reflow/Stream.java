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
        ReflowException.check(error ->
            REFLOW.reflow_stream_create(runtime.raw(), options, writer, handle, error));
        return new Opened(new Writer(writer.getValue()), new Stream(Lib.Message.at(handle)));
    }

    synchronized Reader accept(ReflowRuntime runtime) {
        PointerByReference out = new PointerByReference();
        ReflowException.check(error -> REFLOW.reflow_stream_accept(runtime.raw(), usable(), out, error));
        return new Reader(out.getValue());
    }

    synchronized Reader observe(ReflowRuntime runtime) {
        PointerByReference out = new PointerByReference();
        ReflowException.check(error -> REFLOW.reflow_stream_observe(runtime.raw(), usable(), null, out, error));
        return new Reader(out.getValue());
    }

    private static IOException failure(int status) {
        ReflowException cause = ReflowException.of(status, null);
        return new IOException(cause.getMessage(), cause);
    }

    /** The writing end, for one thread at a time. close says that the data is complete. */
    public static final class Writer extends OutputStream {
        private Pointer raw;

        private Writer(Pointer raw) {
            this.raw = raw;
        }

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        /** Writes a frame, waiting for room; it fails when nobody can read any more. */
        @Override
        public void write(byte[] data, int from, int count) throws IOException {
            if (raw == null) throw new IOException("the stream has ended");
            if (count == 0) return;
            byte[] part = from == 0 ? data : java.util.Arrays.copyOfRange(data, from, from + count);
            Memory out = new Memory(16);
            ReflowException.check(error -> REFLOW.reflow_message_bytes(part, count, out, error));
            Lib.Message.ByValue message = Lib.Message.at(out);
            int status = REFLOW.reflow_stream_write(raw, message, Lib.FOREVER);
            if (status == Lib.OK) return;
            REFLOW.reflow_message_unref(message);
            throw failure(status);
        }

        @Override
        public void close() throws IOException {
            end(raw == null ? Lib.OK : REFLOW.reflow_stream_end(raw));
        }

        /** The data is not complete, and will not be; the reader is told why. */
        public void fail(String why) throws IOException {
            end(raw == null ? Lib.OK : REFLOW.reflow_stream_fail(raw, Lib.view(why)));
        }

        private void end(int status) throws IOException {
            if (raw != null) REFLOW.reflow_stream_writer_destroy(raw);
            raw = null;
            if (status != Lib.OK) throw failure(status);
        }
    }

    /** The reading end, or an observer, for one thread at a time. */
    public static final class Reader extends InputStream {
        private static final int DATA = 2;
        private static final int END = 3;
        private static final int ERROR = 4;
        private Pointer raw;
        private byte[] frame = new byte[0];
        private int at;
        private boolean ended;

        private Reader(Pointer raw) {
            this.raw = raw;
        }

        /** What the writer said of the stream: content_type, size_hint, metadata. */
        @SuppressWarnings("unchecked")
        public Map<String, Object> begin() {
            if (raw == null) throw Handle.closed("reader");
            Memory out = new Memory(16);
            int status = REFLOW.reflow_stream_get_begin(raw, out);
            if (status != Lib.OK) throw ReflowException.of(status, null);
            return (Map<String, Object>) Values.copy(Lib.Message.at(out));
        }

        /** How many frames an observer has missed. */
        public long missed() {
            if (raw == null) throw Handle.closed("reader");
            return REFLOW.reflow_stream_missed(raw);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        /** Reads what is there, waiting for the next frame. It fails if the data is not complete. */
        @Override
        public int read(byte[] to, int from, int count) throws IOException {
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
            if (raw == null) throw new IOException("the reader is closed");
            Memory out = new Memory(24);
            LongByReference count = new LongByReference();
            int status = REFLOW.reflow_stream_read(raw, out, 1, Lib.FOREVER, count);
            if (status != Lib.OK) throw failure(status);
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
            if (raw != null) REFLOW.reflow_stream_reader_destroy(raw);
            raw = null;
        }
    }
}
