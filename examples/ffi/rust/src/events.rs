//! What a network tells.
use crate::error::{call, named, text, view, Result, Status};
use crate::network::{milliseconds, Network};
use crate::sys;
use crate::value::Value;
use std::mem::{size_of, zeroed};
use std::ptr::null_mut;
use std::time::Duration;

const KINDS: [&str; 15] = [
    "NetworkStarted", "NetworkIdle", "NetworkStalled", "NetworkShutdown", "ActorStarted", "ActorCompleted",
    "ActorFailed", "MessageSent", "MessageReceived", "ActorEmit", "Breakpoint", "DeadLetter", "ActorState",
    "ActorStuck", "CheckpointFailed",
];

/// Fields that do not apply are empty.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: &'static str,
    pub node: String,
    pub component: String,
    pub port: String,
    /// Of MessageSent: who receives it.
    pub peer: String,
    pub peer_port: String,
    pub error: String,
    pub count: u64,
    pub message: Value,
}

/// A queue of events.
pub struct Subscription {
    raw: *mut sys::reflow_subscription,
}
// SAFETY: polling is for any thread.
unsafe impl Send for Subscription {}
unsafe impl Sync for Subscription {}

impl Network {
    /// Asks for events of some kinds, such as "ActorFailed"; none means the usual ones.
    pub fn subscribe(&self, kinds: &[&str]) -> Result<Subscription> {
        // SAFETY: zero means the default in every field.
        let mut options: sys::reflow_event_options = unsafe { zeroed() };
        options.struct_size = size_of::<sys::reflow_event_options>() as u32;
        options.nodes = view("");
        for kind in kinds {
            let number = KINDS.iter().position(|name| name == kind);
            let number = number.ok_or_else(|| named(Status::NOT_FOUND, format!("there are no events '{kind}'")))?;
            options.kinds |= 1 << number;
        }
        let mut raw = null_mut();
        call(|error| unsafe { sys::reflow_network_subscribe(self.raw, &options, &mut raw, error) })?;
        Ok(Subscription { raw })
    }
}

impl Subscription {
    /// Takes up to max events, waiting for the first. `Status::CLOSED` when the network has stopped.
    pub fn next(&self, max: usize, timeout: Duration) -> Result<Vec<Event>> {
        let (mut batch, mut missed, wait) = (null_mut(), 0, milliseconds(timeout));
        call(|error| unsafe { sys::reflow_subscription_poll(self.raw, max, wait, &mut batch, &mut missed, error) })?;
        // SAFETY: the batch is ours; what its events point to lives as long.
        unsafe {
            let events = (0..sys::reflow_event_batch_count(batch)).map(|index| event(batch, index)).collect();
            sys::reflow_event_batch_destroy(batch);
            Ok(events)
        }
    }
}

unsafe fn event(batch: *const sys::reflow_event_batch, index: usize) -> Event {
    unsafe {
        let mut raw: sys::reflow_event = zeroed();
        raw.struct_size = size_of::<sys::reflow_event>() as u32;
        sys::reflow_event_batch_get(batch, index, &mut raw);
        Event {
            kind: KINDS[raw.kind as usize],
            node: text(raw.node),
            component: text(raw.component),
            port: text(raw.port),
            peer: text(raw.peer),
            peer_port: text(raw.peer_port),
            error: text(raw.error),
            count: raw.count,
            message: Value::copy(raw.message),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        unsafe { sys::reflow_subscription_destroy(self.raw) }
    }
}
