// The native half of Graph: a handle of the engine and one method for each function of its section 9.
// Thread: that of the environment.
#pragma once

#include <napi.h>
#include <reflow.h>

namespace reflow_node {

class GraphHandle : public Napi::ObjectWrap<GraphHandle> {
public:
    // The constructor for JavaScript: new GraphHandle(), empty, with no graph in it.
    static Napi::Function define(Napi::Env env);

    explicit GraphHandle(const Napi::CallbackInfo& info);
    ~GraphHandle() override;

    [[nodiscard]] reflow_graph* get() const { return graph_; }
    // Takes a graph; ends what was there.
    void set(reflow_graph* graph);

private:
    Napi::Value create(const Napi::CallbackInfo& info);
    Napi::Value parse(const Napi::CallbackInfo& info);
    Napi::Value load(const Napi::CallbackInfo& info);
    Napi::Value copy_from(const Napi::CallbackInfo& info);
    Napi::Value equals(const Napi::CallbackInfo& info);
    Napi::Value document(const Napi::CallbackInfo& info);
    Napi::Value serialize(const Napi::CallbackInfo& info);
    Napi::Value save(const Napi::CallbackInfo& info);
    Napi::Value add_node(const Napi::CallbackInfo& info);
    Napi::Value remove_node(const Napi::CallbackInfo& info);
    Napi::Value rename_node(const Napi::CallbackInfo& info);
    Napi::Value set_component(const Napi::CallbackInfo& info);
    Napi::Value config(const Napi::CallbackInfo& info);
    Napi::Value set_config(const Napi::CallbackInfo& info);
    Napi::Value set_config_value(const Napi::CallbackInfo& info);
    Napi::Value resolve_env(const Napi::CallbackInfo& info);
    Napi::Value connect(const Napi::CallbackInfo& info);
    Napi::Value disconnect(const Napi::CallbackInfo& info);
    Napi::Value add_initial(const Napi::CallbackInfo& info);
    Napi::Value remove_initials(const Napi::CallbackInfo& info);
    Napi::Value expose(const Napi::CallbackInfo& info);
    Napi::Value hide(const Napi::CallbackInfo& info);
    Napi::Value add_group(const Napi::CallbackInfo& info);
    Napi::Value remove_group(const Napi::CallbackInfo& info);
    Napi::Value set_property(const Napi::CallbackInfo& info);
    Napi::Value count(const Napi::CallbackInfo& info);
    Napi::Value validate(const Napi::CallbackInfo& info);
    Napi::Value draw(const Napi::CallbackInfo& info);

    reflow_graph* graph_ = nullptr;
};

}  // namespace reflow_node
