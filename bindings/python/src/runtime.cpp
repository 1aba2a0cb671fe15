// The type Runtime: threads, clock and registered components.
#include "handles.hpp"
#include "log.hpp"
#include "post.hpp"
#include "turn.hpp"

namespace reflowpy {

PyTypeObject *runtime_type = nullptr;

namespace {

RuntimeObject *self_of(PyObject *self) { return reinterpret_cast<RuntimeObject *>(self); }

// ---- hooks ---------------------------------------------------------------------------------------

void log_hook(void *user_data, reflow_log_level level, reflow_view subsystem, reflow_view node,
              reflow_view text)
{
    const auto &hooks = *static_cast<std::shared_ptr<Hooks> *>(user_data);
    if (ending()) return;
    Gil gil;
    if (hooks->log == nullptr) return;
    // The thread may be one that has an exception set: what it calls must not lose it.
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    {
        Ref kept = Ref::borrow(hooks->log);
        Ref done(in_python([&] {
            return PyObject_CallFunction(kept.get(), "iNNN", static_cast<int>(level), str_of(subsystem),
                                         str_of(node), str_of(text));
        }));
        if (!done) PyErr_WriteUnraisable(kept.get());
    }
    PyErr_Restore(type, value, traceback);
}

reflow_status print_hook(void *user_data, reflow_view node, reflow_view text)
{
    const auto &hooks = *static_cast<std::shared_ptr<Hooks> *>(user_data);
    if (ending()) return REFLOW_ERROR_CANCELLED;
    Gil gil;
    if (hooks->print == nullptr) return REFLOW_OK;
    Ref kept = Ref::borrow(hooks->print);
    Ref done(in_python(
        [&] { return PyObject_CallFunction(kept.get(), "NN", str_of(node), str_of(text)); }));
    if (done) return REFLOW_OK;
    PyErr_WriteUnraisable(kept.get());
    return REFLOW_ERROR_IO;
}

// By default both go through a queue to a thread of Python: see log.hpp.
void default_log(void *user_data, reflow_log_level level, reflow_view subsystem, reflow_view node,
                 reflow_view text)
{
    if ((*static_cast<std::shared_ptr<Hooks> *>(user_data))->silent.load()) return;
    log_line(nullptr, level, subsystem, node, text);
}

reflow_status default_print(void *user_data, reflow_view node, reflow_view text)
{
    if ((*static_cast<std::shared_ptr<Hooks> *>(user_data))->silent.load()) return REFLOW_ERROR_CLOSED;
    return print_line(nullptr, node, text);
}

} // namespace

void Hooks::log_line(std::shared_ptr<Hooks> &hooks, reflow_log_level level, reflow_view subsystem,
                     reflow_view node, reflow_view text)
{
    if (level > hooks->level) return;
    if (hooks->log != nullptr) log_hook(&hooks, level, subsystem, node, text);
    else default_log(&hooks, level, subsystem, node, text);
}

reflow_status Hooks::print_line(std::shared_ptr<Hooks> &hooks, reflow_view node, reflow_view text)
{
    return hooks->print != nullptr ? print_hook(&hooks, node, text) : default_print(&hooks, node, text);
}

namespace {

void destroy_hooks(void *user_data) { delete static_cast<std::shared_ptr<Hooks> *>(user_data); }

// ---- life ----------------------------------------------------------------------------------------

bool read_options(PyObject *arguments, PyObject *keywords, reflow_runtime_options *options, PyObject **log,
                  PyObject **print)
{
    static const char *names[] = {"mode", "workers", "batch_packets", "batch_us", "port_capacity", "seed",
                                  "max_growth", "log_level", "blocking_threads", "max_packets",
                                  "max_completions", "watchdog_ms", "port_capacity_bytes", "check_types",
                                  "log", "print", nullptr};
    unsigned long long seed = 0;
    unsigned long long growth = 0;
    unsigned long long packets = 0;
    unsigned long long completions = 0;
    unsigned long long watchdog = 0;
    unsigned long long bytes = 0;
    int check_types = 0;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|$iIIIIKKiIKKKKpOO:Runtime",
                                    const_cast<char **>(names), &options->mode, &options->workers,
                                    &options->batch_packets, &options->batch_us, &options->port_capacity,
                                    &seed, &growth, &options->log_level, &options->blocking_threads,
                                    &packets, &completions, &watchdog, &bytes, &check_types, log,
                                    print) == 0) {
        return false;
    }
    options->seed = seed;
    options->max_growth = growth;
    options->max_packets = packets;
    options->max_completions = completions;
    options->watchdog_ms = watchdog;
    options->port_capacity_bytes = bytes;
    options->check_types = check_types != 0 ? 1 : 0;
    return true;
}

PyObject *runtime_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    PyObject *log = nullptr;
    PyObject *print = nullptr;
    if (!read_options(arguments, keywords, &options, &log, &print)) return nullptr;
    Ref self(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    RuntimeObject *runtime = self_of(self.get());
    runtime->specs = new std::vector<std::shared_ptr<Spec>>;
    runtime->hooks = new std::shared_ptr<Hooks>(std::make_shared<Hooks>());
    runtime->lookout = new std::shared_ptr<Lookout>(std::make_shared<Lookout>());
    runtime->generation = fork_generation();
    runtime->mode = options.mode;
    (*runtime->hooks)->mode = options.mode;
    if (options.log_level != 0) (*runtime->hooks)->level = options.log_level;
    if (log != nullptr && log != Py_None) {
        (*runtime->hooks)->log = Py_NewRef(log);
        options.log = &log_hook;
    }
    if (print != nullptr && print != Py_None) {
        (*runtime->hooks)->print = Py_NewRef(print);
        options.print = &print_hook;
    }
    if (options.log == nullptr) options.log = &default_log;
    if (options.print == nullptr) options.print = &default_print;
    options.thread_start = &thread_started;
    options.thread_stop = &thread_stopped;
    options.user_data = new std::shared_ptr<Hooks>(*runtime->hooks);
    options.destroy = &destroy_hooks;
    Failure error;
    const reflow_status status = unlocked(
        [&] { return reflow_runtime_create(&options, &runtime->handle, error.out()); });
    if (!check(status, error, "creating a runtime")) return nullptr;
    return self.release();
}

void destroy_runtime(void *handle) { reflow_runtime_destroy(static_cast<reflow_runtime *>(handle)); }

int runtime_traverse(PyObject *self, visitproc visit, void *arg)
{
    RuntimeObject *runtime = self_of(self);
    Py_VISIT(Py_TYPE(self));
    if (runtime->hooks != nullptr) {
        Py_VISIT((*runtime->hooks)->log);
        Py_VISIT((*runtime->hooks)->print);
    }
    if (runtime->specs == nullptr) return 0;
    for (const auto &spec : *runtime->specs) {
        if (const int result = spec->traverse(visit, arg)) return result;
    }
    return 0;
}

int runtime_clear(PyObject *self)
{
    RuntimeObject *runtime = self_of(self);
    if (runtime->hooks != nullptr) {
        (*runtime->hooks)->silent = true;
        Py_CLEAR((*runtime->hooks)->log);
        Py_CLEAR((*runtime->hooks)->print);
    }
    if (runtime->specs == nullptr) return 0;
    const std::vector<std::shared_ptr<Spec>> specs = *runtime->specs; // clearing runs code
    for (const auto &spec : specs) spec->clear();
    return 0;
}

void runtime_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    RuntimeObject *runtime = self_of(self);
    reflow_runtime *handle = std::exchange(runtime->handle, nullptr);
    if (handle != nullptr && !ending()) reap(&destroy_runtime, handle);
    runtime_clear(self);
    delete runtime->specs;
    delete runtime->hooks;
    delete runtime->lookout;
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *runtime_close(PyObject *self, PyObject *)
{
    RuntimeObject *runtime = self_of(self);
    runtime->closed = true;
    if (runtime->users == 0) destroy_handle(runtime);
    Py_RETURN_NONE;
}

// ---- components -----------------------------------------------------------------------------------

// The ports of a component, from a sequence of (name, type, description, flags, capacity).
class Ports {
public:
    bool fill(PyObject *rows)
    {
        Ref held(PySequence_Fast(rows, "ports are a sequence"));
        if (!held) return false;
        names_ = Ref(PyTuple_New(PySequence_Fast_GET_SIZE(held.get())));
        if (!names_) return false;
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(held.get()); ++i) {
            PyObject *row = PySequence_Fast_GET_ITEM(held.get(), i);
            PyObject *name = nullptr;
            const char *texts[3] = {};
            Py_ssize_t sizes[3] = {};
            reflow_port port{};
            if (PyArg_ParseTuple(row, "Us#s#II:port", &name, &texts[1], &sizes[1], &texts[2], &sizes[2],
                                 &port.flags, &port.capacity) == 0 ||
                !view_from(name, "a port", &port.name)) {
                return false;
            }
            port.type = {texts[1], static_cast<size_t>(sizes[1])};
            port.description = {texts[2], static_cast<size_t>(sizes[2])};
            Py_INCREF(name);
            PyUnicode_InternInPlace(&name);
            PyTuple_SET_ITEM(names_.get(), i, name);
            ports_.push_back(port);
        }
        return true;
    }
    [[nodiscard]] const reflow_port *data() const { return ports_.data(); }
    [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(ports_.size()); }
    [[nodiscard]] PyObject *names() const { return names_.get(); }

private:
    std::vector<reflow_port> ports_;
    Ref names_;
};

struct Registration {
    const char *id = nullptr;
    Py_ssize_t id_size = 0;
    int style = 0;
    PyObject *function = Py_None;
    PyObject *factory = Py_None;
    PyObject *dispatch = Py_None;
    PyObject *on_error = Py_None;
    PyObject *inports = nullptr;
    PyObject *outports = nullptr;
    int await = 0;
    unsigned int max_batch = 1;
    unsigned int max_concurrency = 0;
    unsigned int flags = 0;
    unsigned long long timeout_ms = 0;
    const char *title = "";
    const char *description = "";
    const char *category = "";
    const char *schema = "";
    int arrays = 0;
    int saves = 0;

    bool parse(PyObject *arguments, PyObject *keywords)
    {
        static const char *names[] = {
            "id", "style", "function", "factory", "dispatch", "on_error", "inports", "outports", "await_",
            "max_batch", "max_concurrency", "flags", "timeout_ms", "title", "description", "category",
            "config_schema", "arrays", "saves", nullptr};
        return PyArg_ParseTupleAndKeywords(
                   arguments, keywords, "s#|$iOOOOOOiIIIKssssip:register", const_cast<char **>(names), &id,
                   &id_size, &style, &function, &factory, &dispatch, &on_error, &inports, &outports,
                   &await, &max_batch, &max_concurrency, &flags, &timeout_ms, &title, &description,
                   &category, &schema, &arrays, &saves) != 0;
    }
};

std::shared_ptr<Spec> make_spec(const Registration &r, const Ports &inports, const Ports &outports)
{
    auto spec = std::make_shared<Spec>();
    spec->id.assign(r.id, static_cast<size_t>(r.id_size));
    spec->style = static_cast<Style>(r.style);
    spec->arrays = static_cast<Arrays>(r.arrays);
    spec->await_any = r.await == REFLOW_AWAIT_ANY;
    spec->width = spec->await_any ? 1 : std::max(1U, inports.size());
    spec->values = inports.size() == 0 ? 0 : spec->width;
    for (uint32_t i = 0; i < inports.size() && spec->style == Style::numpy; ++i) {
        if (text_of(inports.data()[i].type) != "float") continue;
        spec->floats.resize(inports.size());
        spec->floats[i] = true;
    }
    const auto kept = [](PyObject *object) { return object == Py_None ? nullptr : Py_NewRef(object); };
    spec->function = kept(r.function);
    spec->factory = kept(r.factory);
    spec->dispatch = kept(r.dispatch);
    spec->on_error = kept(r.on_error);
    spec->inports = Py_NewRef(inports.names());
    spec->outports = Py_NewRef(outports.names());
    return spec;
}

PyObject *runtime_register(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    RuntimeObject *runtime = self_of(self);
    Registration r;
    Ports inports;
    Ports outports;
    if (!r.parse(arguments, keywords) || runtime_handle(self) == nullptr ||
        (r.inports != nullptr && !inports.fill(r.inports)) ||
        (r.outports != nullptr && !outports.fill(r.outports))) {
        return nullptr;
    }
    Ref empty(PyTuple_New(0));
    if (!empty || (r.inports == nullptr && !inports.fill(empty.get())) ||
        (r.outports == nullptr && !outports.fill(empty.get()))) {
        return nullptr;
    }
    const std::shared_ptr<Spec> spec = make_spec(r, inports, outports);
    spec->runtime = PyWeakref_NewRef(self, nullptr);
    if (spec->runtime == nullptr) PyErr_Clear(); // a Runtime of its own making, which has no streams
    spec->hooks = *runtime->hooks;
    if (spec->style == Style::task) spec->lookout = *runtime->lookout;
    const bool threads = runtime->mode == REFLOW_MODE_OWN || runtime->mode == REFLOW_MODE_LENT;
    spec->may_wait = threads && (r.flags & REFLOW_COMPONENT_BLOCKING) != 0;
    reflow_component component{};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = view_of(spec->id);
    component.title = reflow_str(r.title);
    component.description = reflow_str(r.description);
    component.category = reflow_str(r.category);
    component.config_schema = reflow_str(r.schema);
    component.inports = inports.data();
    component.outports = outports.data();
    component.inport_count = inports.size();
    component.outport_count = outports.size();
    component.await = r.await;
    component.max_batch = r.max_batch;
    component.flags = r.flags;
    component.max_concurrency = r.max_concurrency;
    component.timeout_ms = r.timeout_ms;
    fill_callbacks(&component, spec);
    if (r.saves != 0) fill_saving(&component);
    runtime->specs->push_back(spec);
    Failure error;
    Using using_runtime(runtime);
    const reflow_status status = unlocked(
        [&] { return reflow_runtime_register(runtime->handle, &component, error.out()); });
    if (check(status, error)) Py_RETURN_NONE;
    runtime->specs->erase(std::remove(runtime->specs->begin(), runtime->specs->end(), spec),
                          runtime->specs->end());
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    spec->clear();
    PyErr_Restore(type, value, traceback);
    return nullptr;
}

PyObject *runtime_components(PyObject *self, PyObject *)
{
    reflow_runtime *handle = runtime_handle(self);
    if (handle == nullptr) return nullptr;
    Failure error;
    reflow_message message{};
    Using using_runtime(self_of(self));
    const reflow_status status =
        unlocked([&] { return reflow_runtime_components(handle, &message, error.out()); });
    if (!check(status, error)) return nullptr;
    PyObject *value = from_message(message, Arrays::list);
    reflow_message_unref(message);
    return value;
}

// ---- running ----------------------------------------------------------------------------------------

PyObject *runtime_run(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *names[] = {"max_turns", "max_seconds", nullptr};
    unsigned long long turns = 0;
    double seconds = 0;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|Kd:run", const_cast<char **>(names), &turns,
                                    &seconds) == 0) {
        return nullptr;
    }
    reflow_runtime *handle = runtime_handle(self);
    if (handle == nullptr) return nullptr;
    bool more = false;
    Failure error;
    Using using_runtime(self_of(self));
    const auto ns = static_cast<uint64_t>(std::max(0.0, seconds) * 1e9);
    const reflow_status status = unlocked(
        [&] { return reflow_runtime_run_for(handle, turns, ns, &more, error.out()); });
    drain_deferred();
    if (raise_interrupt()) return nullptr;
    return check(status, error) ? PyBool_FromLong(more ? 1 : 0) : nullptr;
}

PyObject *runtime_descriptor(PyObject *self, PyObject *)
{
    reflow_runtime *handle = runtime_handle(self);
    if (handle == nullptr) return nullptr;
    Failure error;
    int32_t descriptor = -1;
    return check(reflow_runtime_descriptor(handle, &descriptor, error.out()), error)
               ? PyLong_FromLong(descriptor)
               : nullptr;
}

PyObject *runtime_workers(PyObject *self, PyObject *)
{
    reflow_runtime *handle = runtime_handle(self);
    return handle != nullptr ? PyLong_FromUnsignedLong(reflow_runtime_workers(handle)) : nullptr;
}

PyObject *runtime_set_workers(PyObject *self, PyObject *number)
{
    const unsigned long workers = PyLong_AsUnsignedLong(number);
    reflow_runtime *handle = PyErr_Occurred() == nullptr ? runtime_handle(self) : nullptr;
    if (handle == nullptr) return nullptr;
    Failure error;
    Using using_runtime(self_of(self));
    const reflow_status status = unlocked([&] {
        return reflow_runtime_set_workers(handle, static_cast<uint32_t>(workers), error.out());
    });
    if (!check(status, error)) return nullptr;
    Py_RETURN_NONE;
}

PyObject *runtime_watch_loop(PyObject *self, PyObject *post)
{
    std::shared_ptr<PostBox> box = box_of(post);
    if (box == nullptr) return nullptr;
    (*self_of(self)->lookout)->use(std::move(box));
    Py_RETURN_NONE;
}

PyObject *runtime_streams(PyObject *self, PyObject *)
{
    reflow_runtime *handle = runtime_handle(self);
    return handle != nullptr ? PyLong_FromUnsignedLongLong(reflow_runtime_streams(handle)) : nullptr;
}

PyObject *runtime_closed(PyObject *self, void *)
{
    return PyBool_FromLong(self_of(self)->handle == nullptr || self_of(self)->closed ? 1 : 0);
}

PyCFunction with_keywords(PyCFunctionWithKeywords function)
{
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void *>(function));
}

PyMethodDef methods[] = {
    {"register", with_keywords(runtime_register), METH_VARARGS | METH_KEYWORDS,
     "Registers a component; reflow.actors knows the arguments."},
    {"components", runtime_components, METH_NOARGS,
     "components() -> list of dict\n\nThe components of this runtime, in the order of their ids."},
    {"run", with_keywords(runtime_run), METH_VARARGS | METH_KEYWORDS,
     "run(max_turns=0, max_seconds=0.0) -> bool\n\nRuns ready actors on this thread; modes inline, hosted\n"
     "and simulated. True if more is ready."},
    {"descriptor", runtime_descriptor, METH_NOARGS,
     "descriptor() -> int\n\nMode hosted: readable while there is something to do for run."},
    {"workers", runtime_workers, METH_NOARGS, "workers() -> int\n\nThreads that run actors."},
    {"set_workers", runtime_set_workers, METH_O, "set_workers(n)\n\nChanges how many there are."},
    {"_watch_loop", runtime_watch_loop, METH_O,
     "The Post object by which the loop of the coroutines is asked whether it still turns."},
    {"streams", runtime_streams, METH_NOARGS,
     "streams() -> int\n\nHow many streams live that were made on this runtime."},
    {"close", runtime_close, METH_NOARGS,
     "close()\n\nEnds the runtime; its threads end with the last network on it."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"closed", runtime_closed, nullptr, "Whether close has been called.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

template <typename Function> void *slot(Function function)
{
    return reinterpret_cast<void *>(function);
}

PyType_Slot slots[] = {
    {Py_tp_new, slot(runtime_new)},           {Py_tp_dealloc, slot(runtime_dealloc)},
    {Py_tp_traverse, slot(runtime_traverse)}, {Py_tp_clear, slot(runtime_clear)},
    {Py_tp_methods, methods},                 {Py_tp_getset, properties},
    {0, nullptr},
};
PyType_Spec spec = {"reflow._reflow.Runtime", sizeof(RuntimeObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

} // namespace

bool init_runtime(PyObject *module)
{
    runtime_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    return runtime_type != nullptr &&
           PyModule_AddObjectRef(module, "Runtime", reinterpret_cast<PyObject *>(runtime_type)) == 0;
}

reflow_runtime *runtime_handle(PyObject *runtime)
{
    RuntimeObject *object = self_of(runtime);
    if (object->handle != nullptr && !object->closed) return object->handle;
    raise_text(REFLOW_ERROR_CLOSED, "the runtime is closed");
    return nullptr;
}

uint64_t coroutines_ended(PyObject *runtime)
{
    Hooks &hooks = **self_of(runtime)->hooks;
    if (hooks.mode != REFLOW_MODE_SIMULATED) return 0;
    const std::lock_guard lock(hooks.mutex);
    return hooks.ends;
}

bool coroutines_go_on(PyObject *runtime, uint64_t seen)
{
    Hooks &hooks = **self_of(runtime)->hooks;
    if (hooks.mode != REFLOW_MODE_SIMULATED || Turn::now() != nullptr) return false;
    if (hooks.open == 0 && coroutines_ended(runtime) == seen) return false;
    // On the thread of a loop nobody would go on with them.
    Ref asyncio(PyImport_ImportModule("asyncio"));
    Ref loop(asyncio ? PyObject_CallMethod(asyncio.get(), "_get_running_loop", nullptr) : nullptr);
    if (!loop) PyErr_Clear();
    return loop && loop.get() == Py_None;
}

bool await_coroutine(PyObject *runtime, uint64_t seen, const Timeout &timeout)
{
    const std::shared_ptr<Hooks> hooks = *self_of(runtime)->hooks;
    // One that emits does not end, and a timer of the network may be due.
    const std::chrono::milliseconds most(std::min<int64_t>(timeout.slice_ms(), 10));
    unlocked([&] {
        std::unique_lock lock(hooks->mutex);
        return hooks->changed.wait_for(lock, most, [&] { return hooks->ends != seen; });
    });
    return PyErr_CheckSignals() == 0;
}

void destroy_handle(RuntimeObject *runtime)
{
    reflow_runtime *handle = std::exchange(runtime->handle, nullptr);
    if (handle == nullptr) return;
    unlocked([&] {
        reflow_runtime_destroy(handle);
        return 0;
    });
}

} // namespace reflowpy
