//! What this example uses of `reflow.h`, written by hand. `tests/layout.rs` compares sizes and offsets of the
//! structs with those that a C compiler gives.
#![allow(non_camel_case_types)]
use std::ffi::c_void;

macro_rules! handles {
    ($($name:ident),*) => {$(
        #[repr(C)]
        pub struct $name { _opaque: [u8; 0] }
    )*};
}
handles!(
    reflow_runtime, reflow_graph, reflow_network, reflow_output, reflow_subscription, reflow_error, reflow_buffer,
    reflow_event_batch, reflow_context, reflow_array_builder, reflow_object_builder, reflow_stream_writer,
    reflow_stream_reader, reflow_peer
);

pub type reflow_status = i32;
pub const OK: reflow_status = 0;
pub const NO_INDEX: u32 = u32::MAX;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_view {
    pub data: *const u8,
    pub size: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_message {
    pub tag: u64,
    pub payload: u64,
}
pub const NONE: reflow_message = reflow_message { tag: 0, payload: 0 };

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_place {
    pub struct_size: u32,
    pub line: u32,
    pub column: u32,
    pub has_offset: u32,
    pub offset: u64,
    pub file: reflow_view,
    pub path: reflow_view,
    pub node: reflow_view,
    pub port: reflow_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_packet {
    pub message: reflow_message,
    pub port: u32,
    pub index: u32,
    pub envelope: *const c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_port {
    pub name: reflow_view,
    pub type_: reflow_view,
    pub description: reflow_view,
    pub flags: u32,
    pub capacity: u32,
    pub capacity_bytes: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_endpoint {
    pub node: reflow_view,
    pub port: reflow_view,
    pub index: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_completion {
    pub id: u64,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_inport {
    pub id: u64,
}

pub type reflow_destroy_fn = Option<unsafe extern "C" fn(*mut c_void)>;
pub type reflow_create_fn =
    Option<unsafe extern "C" fn(*mut reflow_context, *mut c_void, *mut *mut c_void) -> reflow_status>;
pub type reflow_state_fn = Option<unsafe extern "C" fn(*mut reflow_context, *mut c_void) -> reflow_status>;
pub type reflow_run_fn =
    Option<unsafe extern "C" fn(*mut reflow_context, *mut c_void, *mut reflow_packet, usize) -> reflow_status>;
pub type reflow_teardown_fn = Option<unsafe extern "C" fn(*mut reflow_context, *mut c_void)>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_component {
    pub struct_size: u32,
    pub port_size: u32,
    pub id: reflow_view,
    pub title: reflow_view,
    pub description: reflow_view,
    pub category: reflow_view,
    pub config_schema: reflow_view,
    pub inports: *const reflow_port,
    pub outports: *const reflow_port,
    pub inport_count: u32,
    pub outport_count: u32,
    pub await_: i32,
    pub max_batch: u32,
    pub flags: u32,
    pub max_concurrency: u32,
    pub create: reflow_create_fn,
    pub setup: reflow_state_fn,
    pub run: reflow_run_fn,
    pub finish: reflow_state_fn,
    pub teardown: reflow_teardown_fn,
    pub destroy_state: reflow_destroy_fn,
    pub user_data: *mut c_void,
    pub destroy: reflow_destroy_fn,
    pub timeout_ms: u64,
    pub save: *const c_void,
    pub load: *const c_void,
    pub state_version: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_runtime_options {
    pub struct_size: u32,
    pub mode: i32,
    pub workers: u32,
    pub batch_packets: u32,
    pub batch_us: u32,
    pub port_capacity: u32,
    pub seed: u64,
    pub max_actors: u64,
    pub max_growth: u64,
    pub log: *const c_void,
    pub print: *const c_void,
    pub thread_start: *const c_void,
    pub thread_stop: *const c_void,
    pub user_data: *mut c_void,
    pub destroy: reflow_destroy_fn,
    pub log_level: i32,
    pub blocking_threads: u32,
    pub wake: *const c_void,
    pub max_packets: u64,
    pub max_completions: u64,
    pub max_streams: u64,
    pub max_pool_bytes: u64,
    pub watchdog_ms: u64,
    pub port_capacity_bytes: u64,
    pub check_types: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_envelope {
    pub struct_size: u32,
    pub reserved: u32,
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub deadline_ms: i64,
    pub correlation: reflow_view,
    pub source_network: reflow_view,
    pub source_instance: reflow_view,
    pub source_actor: reflow_view,
    pub message_id: reflow_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_node_counters {
    pub struct_size: u32,
    pub held_back: u32,
    pub fired: u64,
    pub received: u64,
    pub sent: u64,
    pub failed: u64,
    pub dropped: u64,
    pub waiting: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_event_options {
    pub struct_size: u32,
    pub capacity: u32,
    pub kinds: u64,
    pub nodes: reflow_view,
    pub sample: u32,
    pub max_batch: u32,
    pub callback: *const c_void,
    pub user_data: *mut c_void,
    pub destroy: reflow_destroy_fn,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_event {
    pub struct_size: u32,
    pub kind: i32,
    pub sequence: u64,
    pub timestamp_ms: i64,
    pub duration_ns: u64,
    pub count: u64,
    pub node: reflow_view,
    pub component: reflow_view,
    pub port: reflow_view,
    pub peer: reflow_view,
    pub peer_port: reflow_view,
    pub error: reflow_view,
    pub message: reflow_message,
    pub size: u64,
    pub waiting: u64,
    pub outputs: reflow_message,
    pub breakpoint: u64,
    pub trace: reflow_view,
    pub state: i32,
    pub details: u32,
    pub path: reflow_view,
    pub envelope: reflow_envelope,
    pub stalls: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_change {
    pub struct_size: u32,
    pub reserved: u32,
    pub nodes_added: u64,
    pub nodes_removed: u64,
    pub nodes_replaced: u64,
    pub nodes_kept: u64,
    pub connections_added: u64,
    pub connections_removed: u64,
    pub packets_dropped: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_failure {
    pub struct_size: u32,
    pub status: reflow_status,
    pub message: reflow_view,
    pub hint: reflow_view,
    pub trace: reflow_view,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_stream_options {
    pub struct_size: u32,
    pub max_frames: u32,
    pub max_bytes: u64,
    pub size_hint: u64,
    pub has_size_hint: u32,
    pub reserved: u32,
    pub content_type: reflow_view,
    pub metadata: reflow_message,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct reflow_stream_frame {
    pub kind: i32,
    pub reserved: u32,
    pub message: reflow_message,
}

type Error = *mut *mut reflow_error;

extern "C" {
    pub fn reflow_abi_check(abi: u32) -> reflow_status;
    pub fn reflow_status_name(status: reflow_status) -> reflow_view;
    pub fn reflow_buffer_get(buffer: *const reflow_buffer) -> reflow_view;
    pub fn reflow_buffer_destroy(buffer: *mut reflow_buffer);

    pub fn reflow_error_message(error: *const reflow_error) -> reflow_view;
    pub fn reflow_error_hint(error: *const reflow_error) -> reflow_view;
    pub fn reflow_error_text(error: *const reflow_error) -> reflow_view;
    pub fn reflow_error_place(error: *const reflow_error, place: *mut reflow_place) -> reflow_status;
    pub fn reflow_error_destroy(error: *mut reflow_error);

    pub fn reflow_message_null() -> reflow_message;
    pub fn reflow_message_flow() -> reflow_message;
    pub fn reflow_message_boolean(value: bool) -> reflow_message;
    pub fn reflow_message_integer(value: i64) -> reflow_message;
    pub fn reflow_message_float(value: f64) -> reflow_message;
    pub fn reflow_message_string(text: reflow_view, out: *mut reflow_message, error: Error) -> reflow_status;
    pub fn reflow_message_bytes(data: *const u8, size: usize, out: *mut reflow_message, error: Error) -> reflow_status;
    pub fn reflow_message_error(text: reflow_view, out: *mut reflow_message, error: Error) -> reflow_status;
    pub fn reflow_message_ref(message: reflow_message) -> reflow_message;
    pub fn reflow_message_unref(message: reflow_message);
    pub fn reflow_message_equal(a: reflow_message, b: reflow_message) -> bool;
    pub fn reflow_message_kind(message: reflow_message) -> i32;
    pub fn reflow_message_get_boolean(message: reflow_message, out: *mut bool) -> reflow_status;
    pub fn reflow_message_get_integer(message: reflow_message, out: *mut i64) -> reflow_status;
    pub fn reflow_message_get_float(message: reflow_message, out: *mut f64) -> reflow_status;
    pub fn reflow_message_get_bytes(message: reflow_message, out: *mut reflow_view) -> reflow_status;
    pub fn reflow_message_count(message: reflow_message) -> usize;
    pub fn reflow_message_get_at(message: reflow_message, index: usize, out: *mut reflow_message) -> reflow_status;
    pub fn reflow_message_get_key(message: reflow_message, index: usize, out: *mut reflow_view) -> reflow_status;
    pub fn reflow_array_builder_create(
        expected: usize, out: *mut *mut reflow_array_builder, error: Error) -> reflow_status;
    pub fn reflow_array_builder_append(
        builder: *mut reflow_array_builder, element: reflow_message, error: Error) -> reflow_status;
    pub fn reflow_array_builder_finish(
        builder: *mut reflow_array_builder, out: *mut reflow_message, error: Error) -> reflow_status;
    pub fn reflow_array_builder_destroy(builder: *mut reflow_array_builder);
    pub fn reflow_object_builder_create(
        expected: usize, out: *mut *mut reflow_object_builder, error: Error) -> reflow_status;
    pub fn reflow_object_builder_set(
        builder: *mut reflow_object_builder, key: reflow_view, value: reflow_message, error: Error) -> reflow_status;
    pub fn reflow_object_builder_finish(
        builder: *mut reflow_object_builder, out: *mut reflow_message, error: Error) -> reflow_status;
    pub fn reflow_object_builder_destroy(builder: *mut reflow_object_builder);
    pub fn reflow_message_from_json(
        text: reflow_view, options: *const c_void, out: *mut reflow_message, error: Error) -> reflow_status;
    pub fn reflow_message_to_json(
        message: reflow_message, style: i32, out: *mut *mut reflow_buffer, error: Error) -> reflow_status;

    pub fn reflow_runtime_create(
        options: *const reflow_runtime_options, out: *mut *mut reflow_runtime, error: Error) -> reflow_status;
    pub fn reflow_runtime_destroy(runtime: *mut reflow_runtime);
    pub fn reflow_runtime_register(
        runtime: *mut reflow_runtime, component: *const reflow_component, error: Error) -> reflow_status;

    pub fn reflow_context_node(context: *const reflow_context) -> reflow_view;
    pub fn reflow_context_config(context: *const reflow_context) -> reflow_message;
    pub fn reflow_context_emit(context: *mut reflow_context, port: u32, message: reflow_message) -> reflow_status;
    pub fn reflow_context_again(context: *mut reflow_context) -> reflow_status;
    pub fn reflow_context_defer(
        context: *mut reflow_context, firing: usize, out: *mut reflow_completion) -> reflow_status;
    pub fn reflow_context_fail_with(context: *mut reflow_context, failure: *const reflow_failure) -> reflow_status;
    pub fn reflow_completion_emit(
        completion: reflow_completion, port: u32, message: reflow_message, timeout_ms: i64) -> reflow_status;
    pub fn reflow_completion_resolve(completion: reflow_completion) -> reflow_status;
    pub fn reflow_completion_fail_with(completion: reflow_completion, failure: *const reflow_failure) -> reflow_status;
    pub fn reflow_completion_cancelled(completion: reflow_completion) -> bool;

    pub fn reflow_graph_load(
        document: reflow_view, format: i32, name: reflow_view, out: *mut *mut reflow_graph,
        error: Error) -> reflow_status;
    pub fn reflow_graph_load_file(path: reflow_view, out: *mut *mut reflow_graph, error: Error) -> reflow_status;
    pub fn reflow_graph_set_component(
        graph: *mut reflow_graph, id: reflow_view, component: reflow_view, error: Error) -> reflow_status;
    pub fn reflow_graph_set_config_value(
        graph: *mut reflow_graph, id: reflow_view, key: reflow_view, value: reflow_message,
        error: Error) -> reflow_status;
    pub fn reflow_graph_destroy(graph: *mut reflow_graph);

    pub fn reflow_network_create(
        runtime: *mut reflow_runtime, graph: *const reflow_graph, out: *mut *mut reflow_network,
        error: Error) -> reflow_status;
    pub fn reflow_network_destroy(network: *mut reflow_network);
    pub fn reflow_network_start(network: *mut reflow_network, error: Error) -> reflow_status;
    pub fn reflow_network_get_state(network: *const reflow_network) -> i32;
    pub fn reflow_network_wait_idle(network: *mut reflow_network, timeout_ms: i64, error: Error) -> reflow_status;
    pub fn reflow_network_end_sources(network: *mut reflow_network, error: Error) -> reflow_status;
    pub fn reflow_network_drain(network: *mut reflow_network, timeout_ms: i64, error: Error) -> reflow_status;
    pub fn reflow_network_stop(network: *mut reflow_network, timeout_ms: i64, error: Error) -> reflow_status;
    pub fn reflow_network_cancel(
        network: *mut reflow_network, node: reflow_view, count: *mut usize, error: Error) -> reflow_status;
    pub fn reflow_network_pause(
        network: *mut reflow_network, path: reflow_view, timeout_ms: i64, error: Error) -> reflow_status;
    pub fn reflow_network_resume(network: *mut reflow_network, path: reflow_view, error: Error) -> reflow_status;
    pub fn reflow_network_step(
        network: *mut reflow_network, path: reflow_view, firings: u64, timeout_ms: i64, fired: *mut u64,
        error: Error) -> reflow_status;
    pub fn reflow_network_counters(
        network: *const reflow_network, node: reflow_view, counters: *mut reflow_node_counters,
        error: Error) -> reflow_status;
    pub fn reflow_network_find_inport(
        network: *mut reflow_network, node: reflow_view, port: reflow_view, out: *mut reflow_inport,
        error: Error) -> reflow_status;
    pub fn reflow_network_carry_envelopes(network: *mut reflow_network, error: Error) -> reflow_status;
    pub fn reflow_network_send(
        network: *mut reflow_network, inport: reflow_inport, message: reflow_message, timeout_ms: i64,
        error: Error) -> reflow_status;
    pub fn reflow_network_send_enveloped(
        network: *mut reflow_network, inport: reflow_inport, message: reflow_message,
        envelope: *const reflow_envelope, timeout_ms: i64, error: Error) -> reflow_status;
    pub fn reflow_network_open_output(
        network: *mut reflow_network, node: reflow_view, port: reflow_view, capacity: u32,
        out: *mut *mut reflow_output, error: Error) -> reflow_status;
    pub fn reflow_output_recv_many(
        output: *mut reflow_output, messages: *mut reflow_message, max: usize, timeout_ms: i64, count: *mut usize,
        error: Error) -> reflow_status;
    pub fn reflow_output_recv_enveloped(
        output: *mut reflow_output, message: *mut reflow_message, envelope: *mut reflow_envelope, timeout_ms: i64,
        error: Error) -> reflow_status;
    pub fn reflow_output_destroy(output: *mut reflow_output);

    pub fn reflow_network_subscribe(
        network: *mut reflow_network, options: *const reflow_event_options, out: *mut *mut reflow_subscription,
        error: Error) -> reflow_status;
    pub fn reflow_subscription_poll(
        subscription: *mut reflow_subscription, max: usize, timeout_ms: i64, out: *mut *mut reflow_event_batch,
        missed: *mut u64, error: Error) -> reflow_status;
    pub fn reflow_subscription_destroy(subscription: *mut reflow_subscription);
    pub fn reflow_event_batch_count(batch: *const reflow_event_batch) -> usize;
    pub fn reflow_event_batch_get(
        batch: *const reflow_event_batch, index: usize, event: *mut reflow_event) -> reflow_status;
    pub fn reflow_event_batch_destroy(batch: *mut reflow_event_batch);

    pub fn reflow_peer_create_from_toml(
        runtime: *mut reflow_runtime, toml: reflow_view, file_name: reflow_view, flags: u32,
        out: *mut *mut reflow_peer, error: Error) -> reflow_status;
    pub fn reflow_peer_attach(peer: *mut reflow_peer, network: *mut reflow_network, error: Error) -> reflow_status;
    pub fn reflow_peer_start(peer: *mut reflow_peer, error: Error) -> reflow_status;
    pub fn reflow_peer_port(peer: *const reflow_peer) -> u32;
    pub fn reflow_peer_connect(
        peer: *mut reflow_peer, endpoint: reflow_view, timeout_ms: i64, network: *mut reflow_message,
        error: Error) -> reflow_status;
    pub fn reflow_peer_send(
        peer: *mut reflow_peer, network: reflow_view, actor: reflow_view, port: reflow_view,
        message: reflow_message, source: reflow_view, timeout_ms: i64, error: Error) -> reflow_status;
    pub fn reflow_peer_destroy(peer: *mut reflow_peer);

    pub fn reflow_stream_create(
        runtime: *mut reflow_runtime, options: *const reflow_stream_options, writer: *mut *mut reflow_stream_writer,
        handle: *mut reflow_message, error: Error) -> reflow_status;
    pub fn reflow_stream_write(
        writer: *mut reflow_stream_writer, data: reflow_message, timeout_ms: i64) -> reflow_status;
    pub fn reflow_stream_end(writer: *mut reflow_stream_writer) -> reflow_status;
    pub fn reflow_stream_fail(writer: *mut reflow_stream_writer, text: reflow_view) -> reflow_status;
    pub fn reflow_stream_writer_destroy(writer: *mut reflow_stream_writer);
    pub fn reflow_stream_accept(
        runtime: *mut reflow_runtime, handle: reflow_message, out: *mut *mut reflow_stream_reader,
        error: Error) -> reflow_status;
    pub fn reflow_stream_observe(
        runtime: *mut reflow_runtime, handle: reflow_message, options: *const c_void,
        out: *mut *mut reflow_stream_reader, error: Error) -> reflow_status;
    pub fn reflow_stream_read(
        reader: *mut reflow_stream_reader, frames: *mut reflow_stream_frame, max: usize, timeout_ms: i64,
        count: *mut usize) -> reflow_status;
    pub fn reflow_stream_get_begin(reader: *const reflow_stream_reader, out: *mut reflow_message) -> reflow_status;
    pub fn reflow_stream_missed(reader: *const reflow_stream_reader) -> u64;
    pub fn reflow_stream_collect(
        reader: *mut reflow_stream_reader, max_bytes: u64, timeout_ms: i64, out: *mut reflow_message,
        error: Error) -> reflow_status;
    pub fn reflow_stream_reader_destroy(reader: *mut reflow_stream_reader);

    pub fn reflow_network_list_dead_letters(
        network: *const reflow_network, path: reflow_view, after: u64, max: usize, out: *mut reflow_message,
        error: Error) -> reflow_status;
    pub fn reflow_network_replay_dead_letters(
        network: *mut reflow_network, path: reflow_view, count: *mut usize, error: Error) -> reflow_status;
    pub fn reflow_network_drop_dead_letters(
        network: *mut reflow_network, id: u64, path: reflow_view, count: *mut usize, error: Error) -> reflow_status;

    pub fn reflow_network_apply(
        network: *mut reflow_network, graph: *const reflow_graph, options: *const c_void, change: *mut reflow_change,
        error: Error) -> reflow_status;
    pub fn reflow_network_add_node(
        network: *mut reflow_network, id: reflow_view, component: reflow_view, config: reflow_message,
        error: Error) -> reflow_status;
    pub fn reflow_network_replace_node(
        network: *mut reflow_network, id: reflow_view, component: reflow_view, config: reflow_message,
        error: Error) -> reflow_status;
    pub fn reflow_network_remove_node(network: *mut reflow_network, id: reflow_view, error: Error) -> reflow_status;
    pub fn reflow_network_connect(
        network: *mut reflow_network, from: *const reflow_endpoint, to: *const reflow_endpoint,
        metadata: reflow_message, error: Error) -> reflow_status;
    pub fn reflow_network_disconnect(
        network: *mut reflow_network, from: *const reflow_endpoint, to: *const reflow_endpoint,
        error: Error) -> reflow_status;
}
