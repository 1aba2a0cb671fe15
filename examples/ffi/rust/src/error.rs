//! Failures: what went wrong, where, and what to try.
use crate::sys;
use std::fmt;
use std::ptr::null_mut;

/// The kind of a failure; the numbers are those of `reflow.h`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status(pub i32);

impl Status {
    pub const NOT_FOUND: Status = Status(-3);
    pub const LIMIT: Status = Status(-21);
    pub const WOULD_BLOCK: Status = Status(-22);
    pub const TIMEOUT: Status = Status(-23);
    pub const CLOSED: Status = Status(-25);
    pub const FAILED: Status = Status(-80);
    pub const HOST: Status = Status(-81);

    /// Such as `REFLOW_ERROR_NOT_FOUND`.
    pub fn name(self) -> String {
        text(unsafe { sys::reflow_status_name(self.0) })
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str(&self.name())
    }
}

/// An error of a call. `Display` has all of it on one line.
#[derive(Clone, Debug)]
pub struct Error {
    pub status: Status,
    /// The fact.
    pub message: String,
    /// What to try, such as `did you mean 'in'?`; often empty.
    pub hint: String,
    pub node: String,
    pub port: String,
    /// File and path of a document.
    pub file: String,
    pub path: String,
    /// From 1; 0 if there is none.
    pub line: u32,
    pub column: u32,
    whole: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str(&self.whole)
    }
}

/// What an actor returns when its firing fails.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    pub message: String,
    pub hint: String,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: String::new() }
    }
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = hint.into();
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { message: error.whole, hint: error.hint }
    }
}

/// Copies a view.
pub(crate) fn text(view: sys::reflow_view) -> String {
    // SAFETY: views of the library carry their size, and data is never NULL in them.
    let bytes = unsafe { std::slice::from_raw_parts(view.data, view.size) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// A view of a text, which has to live as long as the call that gets it.
pub(crate) fn view(text: &str) -> sys::reflow_view {
    sys::reflow_view { data: text.as_ptr(), size: text.len() }
}

/// Calls a function whose last parameter is an error.
pub(crate) fn call(function: impl FnOnce(*mut *mut sys::reflow_error) -> sys::reflow_status) -> Result<()> {
    let mut error = null_mut();
    match function(&mut error) {
        sys::OK => Ok(()),
        status => Err(taken(status, error)),
    }
}

/// The same for a function that gives a status alone.
pub(crate) fn check(status: sys::reflow_status) -> Result<()> {
    match status {
        sys::OK => Ok(()),
        status => Err(taken(status, null_mut())),
    }
}

/// Makes an error of a status and the error object that goes with it, which ends.
fn taken(status: sys::reflow_status, error: *mut sys::reflow_error) -> Error {
    let status = Status(status);
    if error.is_null() {
        return named(status, status.name());
    }
    // SAFETY: error is one that the library has just made, and place a struct of the size it tells.
    unsafe {
        let mut place: sys::reflow_place = std::mem::zeroed();
        place.struct_size = std::mem::size_of::<sys::reflow_place>() as u32;
        sys::reflow_error_place(error, &mut place);
        let place_text = |view: sys::reflow_view| if view.data.is_null() { String::new() } else { text(view) };
        let made = Error {
            status,
            message: text(sys::reflow_error_message(error)),
            hint: text(sys::reflow_error_hint(error)),
            node: place_text(place.node),
            port: place_text(place.port),
            file: place_text(place.file),
            path: place_text(place.path),
            line: place.line,
            column: place.column,
            whole: text(sys::reflow_error_text(error)),
        };
        sys::reflow_error_destroy(error);
        made
    }
}

/// An error of this wrapper.
pub(crate) fn named(status: Status, message: String) -> Error {
    Error {
        status,
        whole: message.clone(),
        message,
        hint: String::new(),
        node: String::new(),
        port: String::new(),
        file: String::new(),
        path: String::new(),
        line: 0,
        column: 0,
    }
}
