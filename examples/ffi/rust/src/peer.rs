//! Peers: links between a network of this process and those of others.
use crate::error::{call, view, Result};
use crate::network::{milliseconds, split, Network, Runtime};
use crate::sys;
use crate::value::Value;
use std::ptr::null_mut;
use std::time::Duration;

/// Links a network to others; made of a configuration in TOML, whose keys `docs/peers.md` has.
pub struct Peer {
    raw: *mut sys::reflow_peer,
}
// SAFETY: reflow.h says "Threads: any" of all that is called with it, and Drop alone ends it.
unsafe impl Send for Peer {}
unsafe impl Sync for Peer {}

impl Peer {
    /// It listens on `bind_port`, where 0 is a free one.
    pub fn new(runtime: &Runtime, toml: &str) -> Result<Peer> {
        let mut raw = null_mut();
        call(|error| unsafe {
            sys::reflow_peer_create_from_toml(runtime.raw, view(toml), view(""), 0, &mut raw, error)
        })?;
        Ok(Peer { raw })
    }
    /// Whose actors others reach; before the start.
    pub fn attach(&self, network: &Network) -> Result<()> {
        call(|error| unsafe { sys::reflow_peer_attach(self.raw, network.raw, error) })
    }
    pub fn start(&self) -> Result<()> {
        call(|error| unsafe { sys::reflow_peer_start(self.raw, error) })
    }
    /// Where it listens; 0 before the start.
    pub fn port(&self) -> u32 {
        unsafe { sys::reflow_peer_port(self.raw) }
    }
    /// Dials an endpoint, such as "127.0.0.1:9100"; the id of the network there. A link that breaks is dialled again.
    pub fn connect(&self, endpoint: &str, timeout: Duration) -> Result<String> {
        let mut network = sys::NONE;
        let wait = milliseconds(timeout);
        call(|error| unsafe { sys::reflow_peer_connect(self.raw, view(endpoint), wait, &mut network, error) })?;
        Ok(Value::take(network).as_text().unwrap_or_default().to_string())
    }
    /// Sends a value to "actor.port" of another network, waiting for room on the way there.
    pub fn send(&self, network: &str, place: &str, value: impl Into<Value>, timeout: Duration) -> Result<()> {
        let message = value.into().message()?;
        let (actor, port) = split(place);
        let wait = milliseconds(timeout);
        let sent = call(|error| unsafe {
            sys::reflow_peer_send(self.raw, view(network), actor, port, message, view(""), wait, error)
        });
        if sent.is_err() {
            unsafe { sys::reflow_message_unref(message) };
        }
        sent
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        unsafe { sys::reflow_peer_destroy(self.raw) }
    }
}
