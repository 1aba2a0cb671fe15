//! Streams: what is too large for one message, or not there as a whole yet. Their handles travel in packets as
//! `Value::Stream`; who receives one accepts it and reads.
//!
//! All that waits here is for threads of the host. An actor that gets a stream keeps its firing open with
//! `Context::defer`, and reads on a thread of its own.
use crate::error::{call, check, named, view, Error, Result, Status};
use crate::network::{milliseconds, Runtime};
use crate::sys::{self, reflow_message};
use crate::value::Value;
use std::mem::{size_of, zeroed};
use std::ptr::{null, null_mut};
use std::time::Duration;

/// The handle of a stream.
pub struct Stream {
    raw: reflow_message,
}
// SAFETY: messages do not change, and their references are counted for any thread.
unsafe impl Send for Stream {}
unsafe impl Sync for Stream {}

impl Stream {
    /// Another reference of a message that lives.
    pub(crate) fn share(raw: reflow_message) -> Stream {
        Stream { raw: unsafe { sys::reflow_message_ref(raw) } }
    }
    /// A message that the caller ends or hands over.
    pub(crate) fn message(&self) -> reflow_message {
        unsafe { sys::reflow_message_ref(self.raw) }
    }
}

impl Clone for Stream {
    fn clone(&self) -> Stream {
        Stream::share(self.raw)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        unsafe { sys::reflow_message_unref(self.raw) }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        to.write_str("Stream")
    }
}

/// Handles are equal if they are of one stream.
impl PartialEq for Stream {
    fn eq(&self, other: &Stream) -> bool {
        unsafe { sys::reflow_message_equal(self.raw, other.raw) }
    }
}

impl Runtime {
    /// Makes a stream: its writer, and the handle to send. The content type, such as "text/csv", may be empty.
    pub fn open_stream(&self, content_type: &str) -> Result<(StreamWriter, Stream)> {
        // SAFETY: zero means the default in every field; the texts live during the call.
        let mut options: sys::reflow_stream_options = unsafe { zeroed() };
        options.struct_size = size_of::<sys::reflow_stream_options>() as u32;
        options.content_type = view(content_type);
        let (mut writer, mut handle) = (null_mut(), sys::NONE);
        call(|error| unsafe { sys::reflow_stream_create(self.raw, &options, &mut writer, &mut handle, error) })?;
        Ok((StreamWriter { raw: writer }, Stream { raw: handle }))
    }

    /// Accepts a stream, which can be done once.
    pub fn accept(&self, stream: &Stream) -> Result<StreamReader> {
        let mut raw = null_mut();
        call(|error| unsafe { sys::reflow_stream_accept(self.raw, stream.raw, &mut raw, error) })?;
        Ok(StreamReader { raw })
    }

    /// Looks on: what is written from now on, some of which is missed by who reads too slowly.
    pub fn observe(&self, stream: &Stream) -> Result<StreamReader> {
        let mut raw = null_mut();
        call(|error| unsafe { sys::reflow_stream_observe(self.raw, stream.raw, null(), &mut raw, error) })?;
        Ok(StreamReader { raw })
    }
}

/// The writing end. One that is dropped without an end leaves an error for the reader.
pub struct StreamWriter {
    raw: *mut sys::reflow_stream_writer,
}
// SAFETY: one thread at a time may use it, which &mut holds.
unsafe impl Send for StreamWriter {}

impl StreamWriter {
    /// Writes a frame, waiting for room; `Status::CLOSED` when nobody can read any more.
    pub fn write(&mut self, data: &[u8], timeout: Duration) -> Result<()> {
        let mut message = sys::NONE;
        call(|error| unsafe { sys::reflow_message_bytes(data.as_ptr(), data.len(), &mut message, error) })?;
        let status = unsafe { sys::reflow_stream_write(self.raw, message, milliseconds(timeout)) };
        if status != sys::OK {
            unsafe { sys::reflow_message_unref(message) };
        }
        check(status)
    }
    /// The data is complete.
    pub fn end(self) -> Result<()> {
        check(unsafe { sys::reflow_stream_end(self.raw) })
    }
    /// The data is not complete, and will not be.
    pub fn fail(self, why: &str) -> Result<()> {
        check(unsafe { sys::reflow_stream_fail(self.raw, view(why)) })
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        unsafe { sys::reflow_stream_writer_destroy(self.raw) }
    }
}

/// The reading end, or an observer.
pub struct StreamReader {
    raw: *mut sys::reflow_stream_reader,
}
// SAFETY: as for the writer.
unsafe impl Send for StreamReader {}

const DATA: i32 = 2;
const END: i32 = 3;
const ERROR: i32 = 4;

impl StreamReader {
    /// An object with content_type, size_hint and metadata.
    pub fn begin(&self) -> Result<Value> {
        let mut message = sys::NONE;
        check(unsafe { sys::reflow_stream_get_begin(self.raw, &mut message) })?;
        Ok(Value::copy(message))
    }

    /// The next frame of data, or None at the end. An end with an error is `Status::FAILED` with its text.
    pub fn read(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>> {
        loop {
            let mut frame = sys::reflow_stream_frame { kind: 0, reserved: 0, message: sys::NONE };
            let mut count = 0;
            check(unsafe { sys::reflow_stream_read(self.raw, &mut frame, 1, milliseconds(timeout), &mut count) })?;
            match (frame.kind, Value::take(frame.message)) {
                (DATA, Value::Bytes(data)) => return Ok(Some(data)),
                (END, _) => return Ok(None),
                (ERROR, Value::Error(why)) => return Err(failed(why)),
                _ => {} // BEGIN
            }
        }
    }

    /// All data up to the end, at most so many bytes.
    pub fn collect(&mut self, max_bytes: u64, timeout: Duration) -> Result<Vec<u8>> {
        let mut message = sys::NONE;
        let wait = milliseconds(timeout);
        call(|error| unsafe { sys::reflow_stream_collect(self.raw, max_bytes, wait, &mut message, error) })?;
        match Value::take(message) {
            Value::Bytes(data) => Ok(data),
            other => Err(failed(format!("{other:?} is no bytes"))),
        }
    }

    /// How many frames an observer has missed.
    pub fn missed(&self) -> u64 {
        unsafe { sys::reflow_stream_missed(self.raw) }
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        unsafe { sys::reflow_stream_reader_destroy(self.raw) }
    }
}

fn failed(why: String) -> Error {
    named(Status::FAILED, why)
}
