package reflow

/*
#include "shim.h"
*/
import "C"

import (
	"io"
	"sync"
	"unsafe"
)

// Stream is the handle of a stream: what travels in packets. Who receives one accepts it and reads. One that is
// not sent or accepted is ended by Close; those among the inputs of a firing end with it.
type Stream struct {
	mutex   sync.Mutex
	message C.reflow_message // none when it was closed
}

// use calls what needs the message, which stays as long.
func (s *Stream) use(call func(message C.reflow_message) error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.message == (C.reflow_message{}) {
		return errClosed("handle of the stream")
	}
	return call(s.message)
}

// Close ends the handle. When the last one has gone before anybody has accepted it, nobody can read any more.
func (s *Stream) Close() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	C.reflow_message_unref(s.message)
	s.message = C.reflow_message{}
}

// StreamWriter is the writing end, an io.WriteCloser. Writes come one after another, and Close ends one that waits.
type StreamWriter struct {
	handle *C.reflow_stream_writer
	mutex  sync.Mutex // of a call
	life   life
}

// OpenStream makes a stream: its writer, and the handle to send. The content type may be empty.
func (rt *Runtime) OpenStream(contentType string) (*StreamWriter, *Stream, error) {
	var failure *C.reflow_error
	writer, stream := &StreamWriter{}, &Stream{}
	data, size := chars(contentType)
	err := rt.use(func() error {
		status := C.rg_open_stream(rt.handle, data, size, &writer.handle, &stream.message, &failure)
		return check(status, failure)
	})
	if err != nil {
		return nil, nil, err
	}
	writer.life.begin(func() { C.reflow_stream_writer_destroy(writer.handle) })
	return writer, stream, nil
}

// Write sends a frame, waiting for room; ErrClosed when nobody can read any more.
func (w *StreamWriter) Write(data []byte) (int, error) {
	if len(data) == 0 {
		return 0, nil
	}
	var failure *C.reflow_error
	var message C.reflow_message
	status := C.reflow_message_bytes(unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data)), &message, &failure)
	if err := check(status, failure); err != nil {
		return 0, err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	err := w.life.wait("writer", Forever, func(ms C.int64_t, _ **C.reflow_error) C.reflow_status {
		return C.reflow_stream_write(w.handle, message, ms)
	})
	if err != nil {
		C.reflow_message_unref(message)
		return 0, err
	}
	return len(data), nil
}

// Close ends the stream: the data is complete. It ends the handle in any case, also a second time.
func (w *StreamWriter) Close() error { return w.CloseWithError(nil) }

// CloseWithError ends the stream; with an error the data is not complete, and the reader is told so.
func (w *StreamWriter) CloseWithError(why error) error {
	status := C.reflow_status(C.REFLOW_OK)
	w.life.close(func() {
		w.mutex.Lock() // a write that waits has found out
		defer w.mutex.Unlock()
		if why == nil {
			status = C.reflow_stream_end(w.handle)
			return
		}
		data, size := chars(why.Error())
		status = C.rg_fail_stream(w.handle, data, size)
	})
	return check(status, nil)
}

// StreamReader is the reading end, or an observer: an io.ReadCloser. Reads come one after another, and Close ends one
// that waits.
type StreamReader struct {
	handle *C.reflow_stream_reader
	life   life
	mutex  sync.Mutex // of a call and what follows
	rest   []byte     // of a frame
	end    error
}

// Accept accepts a stream, which can be done once, and ends the handle.
func (rt *Runtime) Accept(stream *Stream) (*StreamReader, error) {
	var failure *C.reflow_error
	reader := &StreamReader{}
	err := rt.use(func() error {
		return stream.use(func(message C.reflow_message) error {
			return check(C.reflow_stream_accept(rt.handle, message, &reader.handle, &failure), failure)
		})
	})
	if err != nil {
		return nil, err
	}
	stream.Close()
	return reader.begin(), nil
}

// Observe looks on: what is written from now on, some of which a slow observer misses. The handle stays.
func (rt *Runtime) Observe(stream *Stream) (*StreamReader, error) {
	var failure *C.reflow_error
	reader := &StreamReader{}
	err := rt.use(func() error {
		return stream.use(func(message C.reflow_message) error {
			return check(C.reflow_stream_observe(rt.handle, message, nil, &reader.handle, &failure), failure)
		})
	})
	if err != nil {
		return nil, err
	}
	return reader.begin(), nil
}

func (r *StreamReader) begin() *StreamReader {
	r.life.begin(func() { C.reflow_stream_reader_destroy(r.handle) })
	return r
}

// Begin tells what the writer said of the stream: content_type, size_hint, metadata. It is nil when the reader was closed.
func (r *StreamReader) Begin() map[string]any {
	if !r.life.enter() {
		return nil
	}
	defer r.life.leave()
	var message C.reflow_message
	C.reflow_stream_get_begin(r.handle, &message)
	begin, _ := goValue(message).(map[string]any)
	return begin
}

// Missed tells how many frames an observer has missed.
func (r *StreamReader) Missed() uint64 {
	if !r.life.enter() {
		return 0
	}
	defer r.life.leave()
	return uint64(C.reflow_stream_missed(r.handle))
}

// Read reads what is there, waiting for the next frame; io.EOF at the end, and another error if the data is not
// complete.
func (r *StreamReader) Read(to []byte) (int, error) {
	if len(to) == 0 {
		return 0, nil
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.life.closed.Load() {
		return 0, errClosed("reader")
	}
	for len(r.rest) == 0 {
		if r.end != nil {
			return 0, r.end
		}
		r.next()
	}
	count := copy(to, r.rest)
	r.rest = r.rest[count:]
	return count, nil
}

func (r *StreamReader) next() {
	var frame C.reflow_stream_frame
	var count C.size_t
	r.end = r.life.wait("reader", Forever, func(ms C.int64_t, _ **C.reflow_error) C.reflow_status {
		return C.reflow_stream_read(r.handle, &frame, 1, ms, &count)
	})
	if r.end != nil {
		return
	}
	defer C.reflow_message_unref(frame.message)
	switch frame.kind {
	case C.REFLOW_FRAME_DATA:
		r.rest, _ = goValue(frame.message).([]byte)
	case C.REFLOW_FRAME_END:
		r.end = io.EOF
	case C.REFLOW_FRAME_ERROR:
		why, _ := goValue(frame.message).(ErrorValue)
		r.end = &Error{Status: C.REFLOW_ERROR_FAILED, Message: string(why), whole: string(why)}
	}
}

// Close ends the reader; what waits for it is dropped, and its writer is told.
func (r *StreamReader) Close() error {
	r.life.close(nil)
	return nil
}
