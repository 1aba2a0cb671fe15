//! Runtimes, graphs, networks, and what goes in and comes out.
use crate::actor::Component;
use crate::error::{call, check, text, view, Result};
use crate::sys;
use crate::value::Value;
use std::marker::PhantomData;
use std::mem::{size_of, zeroed};
use std::ptr::null_mut;
use std::time::Duration;

pub(crate) fn milliseconds(timeout: Duration) -> i64 {
    i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX)
}

/// "node.port", split at the last dot; an exposed port of the graph has none.
pub(crate) fn split(place: &str) -> (sys::reflow_view, sys::reflow_view) {
    let (node, port) = place.rsplit_once('.').unwrap_or(("", place));
    (view(node), view(port))
}

/// Zero means the default.
#[derive(Clone, Copy, Default)]
pub struct Options {
    pub workers: u32,
    pub port_capacity: u32,
    pub check_types: bool,
}

/// Owns threads and components.
pub struct Runtime {
    pub(crate) raw: *mut sys::reflow_runtime,
}
// SAFETY: reflow.h says "Threads: any" of all that is called with it, but for the end, which Drop does alone.
unsafe impl Send for Runtime {}
unsafe impl Sync for Runtime {}

impl Runtime {
    pub fn new(options: Options) -> Result<Runtime> {
        check(unsafe { sys::reflow_abi_check(1) })?;
        let mut raw = null_mut();
        // SAFETY: zero means the default in every field.
        let mut given: sys::reflow_runtime_options = unsafe { zeroed() };
        given.struct_size = size_of::<sys::reflow_runtime_options>() as u32;
        given.workers = options.workers;
        given.port_capacity = options.port_capacity;
        given.check_types = options.check_types.into();
        call(|error| unsafe { sys::reflow_runtime_create(&given, &mut raw, error) })?;
        Ok(Runtime { raw })
    }
    pub fn register(&self, component: Component) -> Result<()> {
        component.register(self.raw)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        unsafe { sys::reflow_runtime_destroy(self.raw) }
    }
}

/// A document that networks are made of.
pub struct Graph {
    pub(crate) raw: *mut sys::reflow_graph,
}
// SAFETY: one thread at a time may use it, which needs no more than that it may move.
unsafe impl Send for Graph {}

impl Graph {
    /// Reads JSON.
    pub fn load(document: &str) -> Result<Graph> {
        Graph::read(document, 1)
    }
    pub fn load_yaml(document: &str) -> Result<Graph> {
        Graph::read(document, 2)
    }
    fn read(document: &str, format: i32) -> Result<Graph> {
        let mut raw = null_mut();
        call(|error| unsafe { sys::reflow_graph_load(view(document), format, view(""), &mut raw, error) })?;
        Ok(Graph { raw })
    }
    pub fn load_file(path: &str) -> Result<Graph> {
        let mut raw = null_mut();
        call(|error| unsafe { sys::reflow_graph_load_file(view(path), &mut raw, error) })?;
        Ok(Graph { raw })
    }
    pub fn set_component(&mut self, node: &str, component: &str) -> Result<()> {
        call(|error| unsafe { sys::reflow_graph_set_component(self.raw, view(node), view(component), error) })
    }
    pub fn set_config(&mut self, node: &str, key: &str, value: impl Into<Value>) -> Result<()> {
        let message = value.into().message()?;
        call(|error| unsafe { sys::reflow_graph_set_config_value(self.raw, view(node), view(key), message, error) })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        unsafe { sys::reflow_graph_destroy(self.raw) }
    }
}

/// A graph that runs.
pub struct Network {
    pub(crate) raw: *mut sys::reflow_network,
}
// SAFETY: as for Runtime.
unsafe impl Send for Network {}
unsafe impl Sync for Network {}

impl Network {
    pub fn new(runtime: &Runtime, graph: &Graph) -> Result<Network> {
        let mut raw = null_mut();
        call(|error| unsafe { sys::reflow_network_create(runtime.raw, graph.raw, &mut raw, error) })?;
        Ok(Network { raw })
    }
    pub fn start(&self) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_start(self.raw, error) })
    }
    pub fn wait_idle(&self, timeout: Duration) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_wait_idle(self.raw, milliseconds(timeout), error) })
    }
    pub fn end_sources(&self) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_end_sources(self.raw, error) })
    }
    pub fn drain(&self, timeout: Duration) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_drain(self.raw, milliseconds(timeout), error) })
    }
    pub fn stop(&self, timeout: Duration) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_stop(self.raw, milliseconds(timeout), error) })
    }
    /// Before the start.
    pub fn carry_envelopes(&self) -> Result<()> {
        call(|error| unsafe { sys::reflow_network_carry_envelopes(self.raw, error) })
    }
    /// `created`, `running`, `draining`, `drained`, `stopping` or `stopped`.
    pub fn state(&self) -> &'static str {
        let names = ["created", "running", "draining", "drained", "stopping", "stopped"];
        names[unsafe { sys::reflow_network_get_state(self.raw) } as usize]
    }

    /// Finds "node.port", or an exposed inport by its name.
    pub fn inport(&self, place: &str) -> Result<Inport<'_>> {
        let (node, port) = split(place);
        let mut id = sys::reflow_inport { id: 0 };
        call(|error| unsafe { sys::reflow_network_find_inport(self.raw, node, port, &mut id, error) })?;
        Ok(Inport { network: self, id })
    }
    /// Opens "node.port", or an exposed outport by its name; before the start to miss nothing.
    pub fn open_output(&self, place: &str) -> Result<Output> {
        let (node, port) = split(place);
        let mut raw = null_mut();
        call(|error| unsafe { sys::reflow_network_open_output(self.raw, node, port, 0, &mut raw, error) })?;
        Ok(Output { raw, one_at_a_time: PhantomData })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        unsafe { sys::reflow_network_destroy(self.raw) }
    }
}

/// What goes with a packet and is none of its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    pub correlation: String,
    pub deadline_ms: i64,
}

/// A place to send to.
#[derive(Clone, Copy)]
pub struct Inport<'network> {
    network: &'network Network,
    id: sys::reflow_inport,
}

impl Inport<'_> {
    /// Sends a value, waiting ten seconds for room.
    pub fn send(&self, value: impl Into<Value>, envelope: Option<&Envelope>) -> Result<()> {
        let message = value.into().message()?;
        let sent = call(|error| unsafe {
            let network = self.network.raw;
            let Some(envelope) = envelope else {
                return sys::reflow_network_send(network, self.id, message, 10_000, error);
            };
            let mut given: sys::reflow_envelope = zeroed();
            given.struct_size = size_of::<sys::reflow_envelope>() as u32;
            given.correlation = view(&envelope.correlation);
            given.deadline_ms = envelope.deadline_ms;
            sys::reflow_network_send_enveloped(network, self.id, message, &given, 10_000, error)
        });
        if sent.is_err() {
            unsafe { sys::reflow_message_unref(message) };
        }
        sent
    }
}

/// Reads what an outport sends.
pub struct Output {
    raw: *mut sys::reflow_output,
    one_at_a_time: PhantomData<*mut ()>,
}
// SAFETY: reading with envelopes is for one thread at a time, so it may move but not be shared.
unsafe impl Send for Output {}

impl Output {
    /// Takes one value with its envelope.
    pub fn receive(&mut self, timeout: Duration) -> Result<(Value, Envelope)> {
        let _ = self.one_at_a_time;
        let mut message = sys::NONE;
        // SAFETY: the texts of the envelope live until the next call on the output.
        unsafe {
            let mut given: sys::reflow_envelope = zeroed();
            given.struct_size = size_of::<sys::reflow_envelope>() as u32;
            call(|error| {
                sys::reflow_output_recv_enveloped(self.raw, &mut message, &mut given, milliseconds(timeout), error)
            })?;
            let envelope = Envelope { correlation: text(given.correlation), deadline_ms: given.deadline_ms };
            Ok((Value::take(message), envelope))
        }
    }

    /// Takes up to max values with one call, waiting for the first.
    pub fn receive_many(&mut self, max: usize, timeout: Duration) -> Result<Vec<Value>> {
        let mut messages = vec![sys::NONE; max];
        let mut count = 0;
        call(|error| unsafe {
            let to = messages.as_mut_ptr();
            sys::reflow_output_recv_many(self.raw, to, max, milliseconds(timeout), &mut count, error)
        })?;
        Ok(messages[..count].iter().map(|message| Value::take(*message)).collect())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        unsafe { sys::reflow_output_destroy(self.raw) }
    }
}
