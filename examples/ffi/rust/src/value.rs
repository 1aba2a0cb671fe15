//! Values: messages as data of Rust.
use crate::error::{call, named, text, view, Result, Status};
use crate::stream::Stream;
use crate::sys::{self, reflow_message};
use std::ptr::{null, null_mut};

const MAX_DEPTH: usize = 128; // REFLOW_MAX_DEPTH

/// A message, copied. Kinds without a counterpart come as `Other` with their JSON.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Flow,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    /// In the order of its keys.
    Object(Vec<(String, Value)>),
    Error(String),
    /// The handle of a stream.
    Stream(Stream),
    Other(String),
}

impl Value {
    /// Reads plain JSON.
    pub fn from_json(json: &str) -> Result<Value> {
        let mut message = sys::NONE;
        call(|error| unsafe { sys::reflow_message_from_json(view(json), null(), &mut message, error) })?;
        Ok(Value::take(message))
    }

    /// Writes plain JSON.
    pub fn to_json(&self) -> Result<String> {
        let message = self.message()?;
        // SAFETY: the message is ours, and ends here.
        unsafe {
            let json = json(message);
            sys::reflow_message_unref(message);
            json
        }
    }

    /// The value of a key of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
    pub fn as_int(&self) -> Option<i64> {
        if let Value::Int(value) = self { Some(*value) } else { None }
    }
    /// Of an integer, too.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            _ => None,
        }
    }
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(value) = self { Some(value) } else { None }
    }
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Value::Array(values) = self { Some(values) } else { None }
    }

    /// A message that the caller ends or hands over.
    pub(crate) fn message(&self) -> Result<reflow_message> {
        self.nested(0)
    }

    /// A message that stands inside of so many others. The library refuses one that is too deep, but the way down to
    /// its inside is ours.
    fn nested(&self, level: usize) -> Result<reflow_message> {
        if level == MAX_DEPTH && matches!(self, Value::Array(_) | Value::Object(_)) {
            return Err(named(Status::LIMIT, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let mut out = sys::NONE;
        // SAFETY: views are of data that lives here; out is ours.
        unsafe {
            match self {
                Value::Null => out = sys::reflow_message_null(),
                Value::Flow => out = sys::reflow_message_flow(),
                Value::Bool(value) => out = sys::reflow_message_boolean(*value),
                Value::Int(value) => out = sys::reflow_message_integer(*value),
                Value::Float(value) => out = sys::reflow_message_float(*value),
                Value::Text(value) => call(|error| sys::reflow_message_string(view(value), &mut out, error))?,
                Value::Error(value) => call(|error| sys::reflow_message_error(view(value), &mut out, error))?,
                Value::Bytes(data) => {
                    call(|error| sys::reflow_message_bytes(data.as_ptr(), data.len(), &mut out, error))?
                }
                Value::Stream(stream) => out = stream.message(),
                Value::Array(values) => out = array(values, level + 1)?,
                Value::Object(fields) => out = object(fields, level + 1)?,
                Value::Other(json) => {
                    call(|error| sys::reflow_message_from_json(view(json), null(), &mut out, error))?
                }
            }
        }
        Ok(out)
    }

    /// Copies a message and ends it.
    pub(crate) fn take(message: reflow_message) -> Value {
        let value = Value::copy(message);
        unsafe { sys::reflow_message_unref(message) };
        value
    }

    /// Copies a message, which stays where it is. None is `Null`.
    pub(crate) fn copy(message: reflow_message) -> Value {
        // SAFETY: the message lives during the call; each reader is the one for the kind.
        unsafe {
            match sys::reflow_message_kind(message) {
                0 | 1 => Value::Null,
                2 => Value::Flow,
                3 => {
                    let mut value = false;
                    sys::reflow_message_get_boolean(message, &mut value);
                    Value::Bool(value)
                }
                4 => {
                    let mut value = 0;
                    sys::reflow_message_get_integer(message, &mut value);
                    Value::Int(value)
                }
                5 => {
                    let mut value = 0.0;
                    sys::reflow_message_get_float(message, &mut value);
                    Value::Float(value)
                }
                16 => Value::Text(text(bytes(message))),
                17 => {
                    let view = bytes(message);
                    Value::Bytes(std::slice::from_raw_parts(view.data, view.size).to_vec())
                }
                18 => Value::Array((0..sys::reflow_message_count(message)).map(|i| element(message, i)).collect()),
                19 => Value::Object((0..sys::reflow_message_count(message)).map(|i| field(message, i)).collect()),
                21 => Value::Error(text(bytes(message))),
                25 => Value::Stream(Stream::share(message)),
                _ => Value::Other(json(message).unwrap_or_default()),
            }
        }
    }
}

/// NaN equals NaN, and the order of keys does not matter, as with reflow_message_equal.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) | (Value::Flow, Value::Flow) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b || a.is_nan() && b.is_nan(),
            (Value::Text(a), Value::Text(b)) | (Value::Error(a), Value::Error(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, value)| other.get(key) == Some(value))
            }
            (Value::Stream(a), Value::Stream(b)) => a == b,
            (Value::Other(a), Value::Other(b)) => a == b,
            _ => false,
        }
    }
}

unsafe fn bytes(message: reflow_message) -> sys::reflow_view {
    let mut view = sys::reflow_view { data: null(), size: 0 };
    unsafe { sys::reflow_message_get_bytes(message, &mut view) };
    view
}

unsafe fn element(message: reflow_message, index: usize) -> Value {
    let mut value = sys::NONE;
    unsafe { sys::reflow_message_get_at(message, index, &mut value) };
    Value::copy(value)
}

unsafe fn field(message: reflow_message, index: usize) -> (String, Value) {
    let mut key = sys::reflow_view { data: null(), size: 0 };
    unsafe { sys::reflow_message_get_key(message, index, &mut key) };
    (text(key), unsafe { element(message, index) })
}

unsafe fn json(message: reflow_message) -> Result<String> {
    let mut buffer = null_mut();
    unsafe {
        call(|error| sys::reflow_message_to_json(message, 0, &mut buffer, error))?;
        let json = text(sys::reflow_buffer_get(buffer));
        sys::reflow_buffer_destroy(buffer);
        Ok(json)
    }
}

fn array(values: &[Value], level: usize) -> Result<reflow_message> {
    let (mut builder, mut out) = (null_mut(), sys::NONE);
    // SAFETY: the builder is ours until finish or destroy; elements are handed over in any case.
    unsafe {
        call(|error| sys::reflow_array_builder_create(values.len(), &mut builder, error))?;
        for value in values {
            let appended = value
                .nested(level)
                .and_then(|element| call(|error| sys::reflow_array_builder_append(builder, element, error)));
            if let Err(error) = appended {
                sys::reflow_array_builder_destroy(builder);
                return Err(error);
            }
        }
        call(|error| sys::reflow_array_builder_finish(builder, &mut out, error))?;
    }
    Ok(out)
}

fn object(fields: &[(String, Value)], level: usize) -> Result<reflow_message> {
    let (mut builder, mut out) = (null_mut(), sys::NONE);
    // SAFETY: as for arrays.
    unsafe {
        call(|error| sys::reflow_object_builder_create(fields.len(), &mut builder, error))?;
        for (key, value) in fields {
            let set = value
                .nested(level)
                .and_then(|value| call(|error| sys::reflow_object_builder_set(builder, view(key), value, error)));
            if let Err(error) = set {
                sys::reflow_object_builder_destroy(builder);
                return Err(error);
            }
        }
        call(|error| sys::reflow_object_builder_finish(builder, &mut out, error))?;
    }
    Ok(out)
}

macro_rules! from {
    ($($from:ty => $to:ident),*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Value { Value::$to(value.into()) }
        }
    )*};
}
from!(bool => Bool, i64 => Int, i32 => Int, u32 => Int, f64 => Float, &str => Text, String => Text, Vec<u8> => Bytes,
      Stream => Stream, Vec<Value> => Array, Vec<(String, Value)> => Object);
