//! A small safe wrapper around libreflow. No `unsafe` is needed to use it:
//!
//! ```no_run
//! use reflow::{Component, Graph, Network, Options, Runtime, Value};
//! use std::time::Duration;
//!
//! # fn main() -> reflow::Result<()> {
//! let runtime = Runtime::new(Options::default())?;
//! runtime.register(
//!     Component::function("Double", |context, inputs| {
//!         let number = inputs[0].value.as_int().ok_or(reflow::Failure::new("not a number"))?;
//!         Ok(context.emit("out", 2 * number)?)
//!     })
//!     .inport("in")
//!     .outport("out"),
//! )?;
//! let graph = Graph::load(r#"{"processes": {"d": {"component": "Double"}}}"#)?;
//! let network = Network::new(&runtime, &graph)?;
//! let mut output = network.open_output("d.out")?;
//! network.start()?;
//! network.inport("d.in")?.send(21, None)?;
//! assert_eq!(output.receive(Duration::from_secs(5))?.0, Value::Int(42));
//! # Ok(())
//! # }
//! ```
//!
//! Handles end when they are dropped, in any order.
mod actor;
mod control;
mod error;
mod events;
mod network;
mod peer;
mod stream;
#[doc(hidden)]
pub mod sys;
mod value;

pub use actor::{Actor, Await, Completion, Component, Context, Input};
pub use control::{Change, Counters};
pub use error::{Error, Failure, Result, Status};
pub use events::{Event, Subscription};
pub use network::{Envelope, Graph, Inport, Network, Options, Output, Runtime};
pub use peer::Peer;
pub use stream::{Stream, StreamReader, StreamWriter};
pub use value::Value;
