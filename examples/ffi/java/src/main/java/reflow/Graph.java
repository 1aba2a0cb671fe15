package reflow;

import static reflow.Lib.REFLOW;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

/** A document that networks are made of. One thread at a time uses it. */
public final class Graph implements AutoCloseable {
    final Handle handle;

    private Graph(Pointer raw) {
        handle = new Handle("graph", raw, REFLOW::reflow_graph_destroy);
    }

    public static Graph fromJson(String document) {
        return read(document, 1);
    }

    public static Graph fromYaml(String document) {
        return read(document, 2);
    }

    private static Graph read(String document, int format) {
        PointerByReference out = new PointerByReference();
        ReflowException.check(
            error -> REFLOW.reflow_graph_load(Lib.view(document), format, Lib.view(""), out, error));
        return new Graph(out.getValue());
    }

    public static Graph load(String path) {
        PointerByReference out = new PointerByReference();
        ReflowException.check(error -> REFLOW.reflow_graph_load_file(Lib.view(path), out, error));
        return new Graph(out.getValue());
    }

    public void setComponent(String node, String component) {
        handle.check(
            (graph, error) -> REFLOW.reflow_graph_set_component(graph, Lib.view(node), Lib.view(component), error));
    }

    public void setConfig(String node, String key, Object value) {
        handle.check((graph, error) -> REFLOW.reflow_graph_set_config_value(
            graph, Lib.view(node), Lib.view(key), Values.message(value), error)); // taken
    }

    @Override
    public void close() {
        handle.close();
    }
}
