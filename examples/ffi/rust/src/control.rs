//! Looking at a network and changing it while it runs.
use crate::error::{call, view, Result};
use crate::network::{milliseconds, split, Graph, Network};
use crate::sys;
use crate::value::Value;
use std::mem::{size_of, zeroed};
use std::ptr::null;
use std::time::Duration;

/// Counts of a node.
#[derive(Clone, Copy, Debug)]
pub struct Counters {
    pub fired: u64,
    pub received: u64,
    pub sent: u64,
    pub failed: u64,
    pub dropped: u64,
    pub waiting: u64,
}

/// What `apply` has done.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub added: u64,
    pub removed: u64,
    pub replaced: u64,
    pub kept: u64,
}

impl Network {
    pub fn counters(&self, node: &str) -> Result<Counters> {
        let mut raw: sys::reflow_node_counters = unsafe { zeroed() };
        raw.struct_size = size_of::<sys::reflow_node_counters>() as u32;
        call(|error| unsafe { sys::reflow_network_counters(self.raw, view(node), &mut raw, error) })?;
        Ok(Counters {
            fired: raw.fired,
            received: raw.received,
            sent: raw.sent,
            failed: raw.failed,
            dropped: raw.dropped,
            waiting: raw.waiting,
        })
    }

    /// The path of a node, of a subgraph, or empty for all.
    pub fn pause(&self, path: &str, timeout: Duration) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_pause(self.raw, view(path), milliseconds(timeout), error) })
    }
    pub fn resume(&self, path: &str) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_resume(self.raw, view(path), error) })
    }
    /// Lets paused nodes fire, and tells how many firings there were.
    pub fn step(&self, path: &str, firings: u64, timeout: Duration) -> Result<u64> {
        let (mut fired, wait) = (0, milliseconds(timeout));
        call(|error| unsafe { sys::reflow_network_step(self.raw, view(path), firings, wait, &mut fired, error) })?;
        Ok(fired)
    }
    /// Cancels pending firings of a node, and tells how many there were.
    pub fn cancel(&self, node: &str) -> Result<usize> {
        let mut count = 0;
        call(|error| unsafe { sys::reflow_network_cancel(self.raw, view(node), &mut count, error) })?;
        Ok(count)
    }

    /// Dead letters, the oldest first.
    pub fn letters(&self, max: usize) -> Result<Value> {
        let mut message = sys::NONE;
        call(|error| unsafe {
            sys::reflow_network_list_dead_letters(self.raw, view(""), 0, max, &mut message, error)
        })?;
        Ok(Value::take(message))
    }
    pub fn replay_letters(&self, path: &str) -> Result<usize> {
        let mut count = 0;
        call(|error| unsafe { sys::reflow_network_replay_dead_letters(self.raw, view(path), &mut count, error) })?;
        Ok(count)
    }
    pub fn drop_letters(&self, path: &str) -> Result<usize> {
        let mut count = 0;
        call(|error| unsafe { sys::reflow_network_drop_dead_letters(self.raw, 0, view(path), &mut count, error) })?;
        Ok(count)
    }

    fn config(config: Option<&Value>) -> Result<sys::reflow_message> {
        config.map_or(Ok(sys::NONE), Value::message)
    }
    pub fn add_node(&self, id: &str, component: &str, config: Option<&Value>) -> Result<()> {
        let config = Network::config(config)?;
        call(|error| unsafe { sys::reflow_network_add_node(self.raw, view(id), view(component), config, error) })
    }
    pub fn replace_node(&self, id: &str, component: &str, config: Option<&Value>) -> Result<()> {
        let config = Network::config(config)?;
        call(|error| unsafe { sys::reflow_network_replace_node(self.raw, view(id), view(component), config, error) })
    }
    pub fn remove_node(&self, id: &str) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_remove_node(self.raw, view(id), error) })
    }

    fn endpoint(place: &str) -> sys::reflow_endpoint {
        let (node, port) = split(place);
        sys::reflow_endpoint { node, port, index: sys::NO_INDEX, reserved: 0 }
    }
    /// Places are "node.port".
    pub fn connect(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (Network::endpoint(from), Network::endpoint(to));
        call(|error| unsafe { sys::reflow_network_connect(self.raw, &from, &to, sys::NONE, error) })
    }
    pub fn disconnect(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (Network::endpoint(from), Network::endpoint(to));
        call(|error| unsafe { sys::reflow_network_disconnect(self.raw, &from, &to, error) })
    }

    /// Makes the network that of another graph, in one step.
    pub fn apply(&self, graph: &Graph) -> Result<Change> {
        let mut raw: sys::reflow_change = unsafe { zeroed() };
        raw.struct_size = size_of::<sys::reflow_change>() as u32;
        call(|error| unsafe { sys::reflow_network_apply(self.raw, graph.raw, null(), &mut raw, error) })?;
        Ok(Change {
            added: raw.nodes_added,
            removed: raw.nodes_removed,
            replaced: raw.nodes_replaced,
            kept: raw.nodes_kept,
        })
    }
}
