//! Compares the structs of `src/sys.rs` with those of `reflow.h` as a C compiler lays them out, so that the
//! bindings cannot fall behind the header. Needs `cc`, and the header in the include path or REFLOW_INCLUDE_DIR.
use reflow::sys;
use std::mem::{offset_of, size_of};
use std::path::PathBuf;
use std::process::Command;

/// Lines "struct.field offset" and "struct size" of both languages.
struct Layout {
    c: String,
    rust: String,
}

macro_rules! compare {
    ($layout:expr, $name:ident: $($field:ident),*) => {
        $layout.c.push_str(&format!("SIZE({});", stringify!($name)));
        $layout.rust.push_str(&format!("{} {}\n", stringify!($name), size_of::<sys::$name>()));
        $(
            let field = stringify!($field).trim_end_matches('_');
            $layout.c.push_str(&format!("FIELD({}, {field});", stringify!($name)));
            $layout.rust.push_str(&format!("{}.{field} {}\n", stringify!($name), offset_of!(sys::$name, $field)));
        )*
    };
}

fn all() -> Layout {
    let mut to = Layout { c: String::new(), rust: String::new() };
    compare!(to, reflow_view: data, size);
    compare!(to, reflow_message: tag, payload);
    compare!(to, reflow_place: struct_size, line, column, has_offset, offset, file, path, node, port);
    compare!(to, reflow_packet: message, port, index, envelope);
    compare!(to, reflow_port: name, type_, description, flags, capacity, capacity_bytes);
    compare!(to, reflow_endpoint: node, port, index, reserved);
    compare!(to, reflow_completion: id);
    compare!(to, reflow_inport: id);
    compare!(to, reflow_component: struct_size, port_size, id, title, description, category, config_schema, inports,
             outports, inport_count, outport_count, await_, max_batch, flags, max_concurrency, create, setup, run,
             finish, teardown, destroy_state, user_data, destroy, timeout_ms, save, load, state_version);
    compare!(to, reflow_runtime_options: struct_size, mode, workers, batch_packets, batch_us, port_capacity, seed,
             max_actors, max_growth, log, print, thread_start, thread_stop, user_data, destroy, log_level,
             blocking_threads, wake, max_packets, max_completions, max_streams, max_pool_bytes, watchdog_ms,
             port_capacity_bytes, check_types);
    compare!(to, reflow_envelope: struct_size, reserved, trace_id, span_id, deadline_ms, correlation, source_network,
             source_instance, source_actor, message_id);
    compare!(to, reflow_node_counters: struct_size, held_back, fired, received, sent, failed, dropped, waiting);
    compare!(to, reflow_event_options: struct_size, capacity, kinds, nodes, sample, max_batch, callback, user_data,
             destroy);
    compare!(to, reflow_event: struct_size, kind, sequence, timestamp_ms, duration_ns, count, node, component, port,
             peer, peer_port, error, message, size, waiting, outputs, breakpoint, trace, state, details, path,
             envelope, stalls);
    compare!(to, reflow_change: struct_size, reserved, nodes_added, nodes_removed, nodes_replaced, nodes_kept,
             connections_added, connections_removed, packets_dropped);
    compare!(to, reflow_stream_options: struct_size, max_frames, max_bytes, size_hint, has_size_hint, reserved,
             content_type, metadata);
    compare!(to, reflow_stream_frame: kind, reserved, message);
    compare!(to, reflow_failure: struct_size, status, message, hint, trace);
    to
}

#[test]
fn structs_are_those_of_the_header() {
    let layout = all();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("layout.c"), folder.join("layout"));
    let text = format!(
        "#include <reflow.h>\n#include <stdio.h>\n\
         #define SIZE(s) printf(\"%s %zu\\n\", #s, sizeof(s))\n\
         #define FIELD(s, f) printf(\"%s.%s %zu\\n\", #s, #f, offsetof(s, f))\n\
         int main(void) {{ {} return 0; }}\n",
        layout.c
    );
    std::fs::write(&source, text).unwrap();
    let mut compiler = Command::new(std::env::var("CC").unwrap_or("cc".into()));
    if let Ok(include) = std::env::var("REFLOW_INCLUDE_DIR") {
        compiler.arg("-I").arg(include);
    }
    let compiled = compiler.arg(&source).arg("-o").arg(&program).status().expect("a C compiler");
    assert!(compiled.success());
    let output = Command::new(&program).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), layout.rust);
}
