//! Components in Rust: their callbacks, which never unwind into the engine.
use crate::error::{call, check, named, text, view, Failure, Result, Status};
use crate::sys::{self, reflow_status};
use crate::value::Value;
use std::any::Any;
use std::ffi::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// A node at work. Each node has one of its own, and no two calls run at once.
pub trait Actor: Send {
    /// Sees to one firing: one input, or one for each inport if the component awaits more.
    fn run(&mut self, context: &mut Context, inputs: &[Input]) -> std::result::Result<(), Failure>;
    /// When the network starts.
    fn setup(&mut self) -> std::result::Result<(), Failure> {
        Ok(())
    }
}

impl<F> Actor for F
where
    F: FnMut(&mut Context, &[Input]) -> std::result::Result<(), Failure> + Send,
{
    fn run(&mut self, context: &mut Context, inputs: &[Input]) -> std::result::Result<(), Failure> {
        self(context, inputs)
    }
}

/// One packet of a firing; `value` is `Null` and `present` false if nothing has come at the inport.
#[derive(Clone, Debug)]
pub struct Input {
    pub value: Value,
    pub port: u32,
    /// Of the connection into an array port.
    pub index: Option<u32>,
    pub present: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Await {
    Any = 0,
    All = 1,
    Required = 2,
}

struct Port {
    name: String,
    flags: u32,
}

type Factory = dyn Fn(&str, &Value) -> std::result::Result<Box<dyn Actor>, Failure> + Send + Sync;

/// A kind of actor, to be registered. Without inports it is a source.
pub struct Component {
    id: String,
    inports: Vec<Port>,
    outports: Vec<Port>,
    rule: Await,
    concurrency: u32,
    timeout: Duration,
    factory: Box<Factory>,
}

impl Component {
    /// A component whose nodes are made by a function of their id and configuration.
    pub fn new<F>(id: &str, make: F) -> Component
    where
        F: Fn(&str, &Value) -> std::result::Result<Box<dyn Actor>, Failure> + Send + Sync + 'static,
    {
        Component {
            id: id.into(),
            inports: Vec::new(),
            outports: Vec::new(),
            rule: Await::Any,
            concurrency: 0,
            timeout: Duration::ZERO,
            factory: Box::new(make),
        }
    }

    /// A component that remembers nothing.
    pub fn function<F>(id: &str, run: F) -> Component
    where
        F: Fn(&mut Context, &[Input]) -> std::result::Result<(), Failure> + Send + Sync + 'static,
    {
        let run = Arc::new(run);
        Component::new(id, move |_, _| {
            let run = run.clone();
            let call = move |context: &mut Context, inputs: &[Input]| run(context, inputs);
            Ok(Box::new(call) as Box<dyn Actor>)
        })
    }

    pub fn inport(mut self, name: &str) -> Component {
        self.inports.push(Port { name: name.into(), flags: 0 });
        self
    }
    pub fn required_inport(mut self, name: &str) -> Component {
        self.inports.push(Port { name: name.into(), flags: 1 });
        self
    }
    pub fn array_inport(mut self, name: &str) -> Component {
        self.inports.push(Port { name: name.into(), flags: 2 });
        self
    }
    pub fn outport(mut self, name: &str) -> Component {
        self.outports.push(Port { name: name.into(), flags: 0 });
        self
    }
    pub fn awaits(mut self, rule: Await) -> Component {
        self.rule = rule;
        self
    }
    /// How many firings of one actor may end later at the same time.
    pub fn concurrency(mut self, firings: u32) -> Component {
        self.concurrency = firings;
        self
    }
    pub fn timeout(mut self, timeout: Duration) -> Component {
        self.timeout = timeout;
        self
    }

    pub(crate) fn register(self, runtime: *mut sys::reflow_runtime) -> Result<()> {
        let ports = |list: &[Port]| -> Vec<sys::reflow_port> {
            let port = |port: &Port| sys::reflow_port {
                name: view(&port.name),
                type_: view(""),
                description: view(""),
                flags: port.flags,
                capacity: 0,
                capacity_bytes: 0,
            };
            list.iter().map(port).collect()
        };
        let (inports, outports) = (ports(&self.inports), ports(&self.outports));
        // SAFETY: zero means the default in every field.
        let mut given: sys::reflow_component = unsafe { std::mem::zeroed() };
        given.struct_size = std::mem::size_of::<sys::reflow_component>() as u32;
        given.port_size = std::mem::size_of::<sys::reflow_port>() as u32;
        let id = self.id.clone();
        given.id = view(&id);
        given.inports = inports.as_ptr();
        given.inport_count = inports.len() as u32;
        given.outports = outports.as_ptr();
        given.outport_count = outports.len() as u32;
        given.await_ = self.rule as i32;
        given.max_concurrency = self.concurrency;
        given.timeout_ms = self.timeout.as_millis() as u64;
        given.create = Some(create);
        given.setup = Some(setup);
        given.run = Some(run);
        given.destroy_state = Some(destroy_state);
        given.destroy = Some(destroy_component);
        given.user_data = Box::into_raw(Box::new(Shared {
            outports: self.outports.iter().map(|port| port.name.clone()).collect(),
            factory: self.factory,
        })) as *mut c_void;
        // The user data is taken in any case.
        call(|error| unsafe { sys::reflow_runtime_register(runtime, &given, error) })
    }
}

/// The user data of a component, and the state of a node.
struct Shared {
    outports: Arc<[String]>,
    factory: Box<Factory>,
}
struct Node {
    actor: Box<dyn Actor>,
    outports: Arc<[String]>,
}

/// What a call of an actor may do.
pub struct Context {
    raw: *mut sys::reflow_context,
    outports: Arc<[String]>,
}

fn find(outports: &[String], port: &str) -> Result<u32> {
    let found = outports.iter().position(|name| name == port);
    found.map(|number| number as u32).ok_or_else(|| {
        named(Status::NOT_FOUND, format!("the component has no outport '{port}'"))
    })
}

impl Context {
    pub fn node(&self) -> String {
        text(unsafe { sys::reflow_context_node(self.raw) })
    }
    pub fn config(&self) -> Value {
        Value::copy(unsafe { sys::reflow_context_config(self.raw) })
    }
    pub fn emit(&mut self, port: &str, value: impl Into<Value>) -> Result<()> {
        let number = find(&self.outports, port)?;
        let message = value.into().message()?;
        check(unsafe { sys::reflow_context_emit(self.raw, number, message) })
    }
    /// Asks for another call: how a source goes on.
    pub fn again(&mut self) -> Result<()> {
        check(unsafe { sys::reflow_context_again(self.raw) })
    }
    /// Keeps the firing open; it ends by the completion, on any thread.
    pub fn defer(&mut self) -> Result<Completion> {
        let mut id = sys::reflow_completion { id: 0 };
        check(unsafe { sys::reflow_context_defer(self.raw, 0, &mut id) })?;
        Ok(Completion { id, outports: self.outports.clone(), over: false })
    }
}

/// A firing that ends later. One that is dropped without an end fails.
pub struct Completion {
    id: sys::reflow_completion,
    outports: Arc<[String]>,
    over: bool,
}

impl Completion {
    /// Sends an output, waiting while there is no room; `Status::CLOSED` when nobody wants it any more.
    pub fn emit(&self, port: &str, value: impl Into<Value>) -> Result<()> {
        let number = find(&self.outports, port)?;
        let message = value.into().message()?;
        let status = unsafe { sys::reflow_completion_emit(self.id, number, message, -1) };
        if status != sys::OK {
            unsafe { sys::reflow_message_unref(message) };
        }
        check(status)
    }
    pub fn resolve(mut self) -> Result<()> {
        self.over = true;
        check(unsafe { sys::reflow_completion_resolve(self.id) })
    }
    pub fn fail(mut self, failure: Failure) -> Result<()> {
        self.over = true;
        self.fail_with(&failure)
    }
    /// Whether nobody waits for the work any more.
    pub fn cancelled(&self) -> bool {
        unsafe { sys::reflow_completion_cancelled(self.id) }
    }
    fn fail_with(&self, failure: &Failure) -> Result<()> {
        check(unsafe { sys::reflow_completion_fail_with(self.id, &raw_failure(failure, "")) })
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if !self.over {
            let _ = self.fail_with(&Failure::new("the firing was dropped without an end"));
        }
    }
}

fn raw_failure(failure: &Failure, trace: &str) -> sys::reflow_failure {
    sys::reflow_failure {
        struct_size: std::mem::size_of::<sys::reflow_failure>() as u32,
        status: Status::HOST.0,
        message: view(&failure.message),
        hint: view(&failure.hint),
        trace: view(trace),
    }
}

// ---- callbacks: a panic is a failure, and never leaves them

/// Runs the body of a callback.
fn guarded(
    context: *mut sys::reflow_context,
    body: impl FnOnce() -> std::result::Result<(), Failure>,
) -> reflow_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return sys::OK,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(format!("panic: {}", panic_text(panic))),
    };
    unsafe { sys::reflow_context_fail_with(context, &raw_failure(&failure, "")) }
}

fn panic_text(panic: Box<dyn Any + Send>) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_string();
    }
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "unknown".into())
}

unsafe extern "C" fn create(
    context: *mut sys::reflow_context,
    user_data: *mut c_void,
    state: *mut *mut c_void,
) -> reflow_status {
    // SAFETY: user_data is the box of register(), which lives as long as any actor.
    let shared = unsafe { &*(user_data as *const Shared) };
    guarded(context, || {
        let at = Context { raw: context, outports: shared.outports.clone() };
        let actor = (shared.factory)(&at.node(), &at.config())?;
        let node = Box::new(Node { actor, outports: shared.outports.clone() });
        unsafe { *state = Box::into_raw(node) as *mut c_void };
        Ok(())
    })
}

unsafe extern "C" fn setup(context: *mut sys::reflow_context, state: *mut c_void) -> reflow_status {
    // SAFETY: state is the box of create(); no two callbacks of a node run at once.
    let node = unsafe { &mut *(state as *mut Node) };
    guarded(context, || node.actor.setup())
}

unsafe extern "C" fn run(
    context: *mut sys::reflow_context,
    state: *mut c_void,
    inputs: *mut sys::reflow_packet,
    count: usize,
) -> reflow_status {
    // SAFETY: as in setup(); inputs are ours to read until return.
    let node = unsafe { &mut *(state as *mut Node) };
    let packets = if count == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(inputs, count) } };
    guarded(context, || {
        let inputs: Vec<Input> = packets.iter().map(input).collect();
        let mut at = Context { raw: context, outports: node.outports.clone() };
        node.actor.run(&mut at, &inputs)
    })
}

fn input(packet: &sys::reflow_packet) -> Input {
    Input {
        value: Value::copy(packet.message),
        port: packet.port,
        index: (packet.index != sys::NO_INDEX).then_some(packet.index),
        present: packet.message.tag != 0,
    }
}

unsafe extern "C" fn destroy_state(state: *mut c_void) {
    // A panic in drop has nowhere to go.
    let _ = catch_unwind(|| drop(unsafe { Box::from_raw(state as *mut Node) }));
}

unsafe extern "C" fn destroy_component(user_data: *mut c_void) {
    let _ = catch_unwind(|| drop(unsafe { Box::from_raw(user_data as *mut Shared) }));
}
