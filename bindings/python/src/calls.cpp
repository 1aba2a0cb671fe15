// Calls of run: a batch of firings is handed to Python with its lock taken once.
#include <chrono>
#include <vector>

#include "actor.hpp"
#include "errors.hpp"
#include "forked.hpp"
#include "handles.hpp"
#include "stream.hpp"
#include "turn.hpp"

namespace reflowpy {

namespace {

using Clock = std::chrono::steady_clock;

// How long one call may take before the rest of its firings waits for the next turn: what they emit is
// delivered when the call returns.
constexpr auto turn = std::chrono::milliseconds(1);

// So many items of a generator at most in one call.
constexpr size_t most_items = 4096;

// When to look at the clock: after firings 1, 2, 4, 8, and then after each 16.
bool time_to_look(size_t i) { return (i & 15U) == 0 || (i & (i - 1)) == 0; }

struct Call {
    reflow_context *native;
    Node *node;
    reflow_packet *inputs;
    size_t firings;
    size_t width;
    Clock::time_point begin = Clock::now();

    [[nodiscard]] bool should_return(size_t done) const { return time_to_look(done) && is_over(); }
    [[nodiscard]] bool is_over() const
    {
        return Clock::now() - begin > turn || reflow_context_stopping(native);
    }
    // The first done firings are over, the rest comes again.
    reflow_status leave(size_t done) const
    {
        reflow_context_advance(native, done);
        return reflow_context_again(native);
    }
    // The first done firings are over, and the next one fails with the exception that is set.
    reflow_status fail(size_t done) const
    {
        end_if_forked(native);
        reflow_context_advance(native, done);
        return fail_with_exception(native, node);
    }
};

// Tells the context which firing it is for.
void enter(Context *context, const Call &call, size_t firing)
{
    const reflow_packet *packet = call.inputs != nullptr ? &call.inputs[firing * call.width] : nullptr;
    context->packet = packet;
    context->port = packet != nullptr && call.node->spec->await_any ? static_cast<int32_t>(packet->port)
                                                                    : -1;
    context->index = packet != nullptr ? packet->index : REFLOW_NO_INDEX;
    context->attempts = 0;
    context->width = static_cast<uint32_t>(call.width);
    context->firings = 1;
    if (context->opened != nullptr && call.node->generator == nullptr) Py_CLEAR(context->opened);
}

// The arguments of a call of a function: the context and one value for each input of a firing.
class Arguments {
public:
    explicit Arguments(size_t values) : many_(values > small ? values + 2 : 0) {}
    // Without inputs (a timer, going on) the values are None.
    bool fill(Context *context, const reflow_packet *packets, size_t values, Arrays arrays)
    {
        PyObject **slots = items();
        slots[1] = reinterpret_cast<PyObject *>(context);
        for (size_t i = 0; i < values; ++i) {
            PyObject *value = packets != nullptr ? from_message(packets[i].message, arrays)
                                                 : Py_NewRef(Py_None);
            if (value == nullptr) return false;
            slots[2 + count_] = value;
            ++count_;
        }
        return true;
    }
    PyObject *call(PyObject *function)
    {
        return in_python([&] {
            return PyObject_Vectorcall(function, items() + 1,
                                       (count_ + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
        });
    }
    void clear()
    {
        PyObject **slots = items();
        for (size_t i = 0; i < count_; ++i) Py_DECREF(slots[2 + i]);
        count_ = 0;
    }
    // The received streams among the values; NULL if there are none.
    [[nodiscard]] PyObject *streams() { return streams_among(items() + 2, count_); }
    ~Arguments() { clear(); }
    Arguments(const Arguments &) = delete;
    Arguments &operator=(const Arguments &) = delete;

private:
    static constexpr size_t small = 6;
    PyObject **items() { return many_.empty() ? few_ : many_.data(); }
    PyObject *few_[small + 2] = {};
    std::vector<PyObject *> many_;
    size_t count_ = 0;
};

reflow_status call_each(const Call &call)
{
    Node *node = call.node;
    Ref function = Ref::borrow(node->run);
    for (size_t i = 0; i < call.firings; ++i) {
        const Entered context(node, call.native);
        if (!context) return call.fail(i);
        enter(context.get(), call, i);
        Arguments arguments(node->spec->values);
        bool good =
            arguments.fill(context.get(), context->packet, node->spec->values, node->spec->arrays);
        if (good) {
            Ref result(arguments.call(function.get()));
            good = result && (result.get() == Py_None || emit_result(context.get(), result.get()));
        }
        if (!good) {
            fail_opened(context.get());
            Ref streams(arguments.streams());
            close_streams(streams.get());
        }
        arguments.clear();
        if (!good) return call.fail(i);
        if (i + 1 < call.firings && call.should_return(i + 1)) return call.leave(i + 1);
    }
    return REFLOW_OK;
}

// ---- batches -----------------------------------------------------------------------------------

// The firings of a batch that are handed over in one call of the function.
struct Part {
    const reflow_packet *inputs; // NULL: none
    size_t firings;
};

PyObject *values_of_input(const Call &call, const Part &part, size_t input)
{
    Ref list(PyList_New(static_cast<Py_ssize_t>(part.firings)));
    if (!list) return nullptr;
    for (size_t i = 0; i < part.firings; ++i) {
        PyObject *value =
            from_message(part.inputs[i * call.width + input].message, call.node->spec->arrays);
        if (value == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), value);
    }
    return list.release();
}

// The numbers of one input. Which type they have is a matter of each packet, and not of those beside it: an
// array ends where it changes.
struct Numbers {
    std::vector<int64_t> integers;
    std::vector<double> floats;
    bool of_floats = false;
};

// An integer that comes by an inport of the type float. False if no float is equal to it.
bool widen(int64_t integer, double *out)
{
    *out = static_cast<double>(integer);
    return *out < 9223372036854775808.0 && static_cast<int64_t>(*out) == integer;
}

bool read_float(const Spec &spec, const reflow_packet &packet, double *out)
{
    if (reflow_message_kind(packet.message) == REFLOW_KIND_FLOAT) {
        return reflow_message_get_float(packet.message, out) == REFLOW_OK;
    }
    int64_t integer = 0;
    return spec.takes_floats(packet.port) &&
           reflow_message_get_integer(packet.message, &integer) == REFLOW_OK && widen(integer, out);
}

// Reads so many packets of an input, from the first on, as have its type: their number, 0 with an exception if
// the first is no number.
size_t read_numbers(const Call &call, const Part &part, size_t input, Numbers &out)
{
    const Spec &spec = *call.node->spec;
    const reflow_packet *packets = part.inputs + input;
    const size_t width = call.width;
    const size_t count = part.firings;
    const auto packet = [packets, width](size_t i) -> const reflow_packet & { return packets[i * width]; };
    const bool any_floats = !spec.floats.empty();
    size_t i = 0;
    out.integers.resize(count);
    int64_t *integers = out.integers.data();
    while (i < count && reflow_message_get_integer(packet(i).message, &integers[i]) == REFLOW_OK) {
        if (any_floats && spec.takes_floats(packet(i).port)) break;
        ++i;
    }
    if (i != 0) return i;
    out.of_floats = true;
    out.floats.resize(count);
    double *floats = out.floats.data();
    while (i < count && read_float(spec, packet(i), &floats[i])) ++i;
    if (i != 0) return i;
    const reflow_message message = packet(0).message;
    if (reflow_message_kind(message) == REFLOW_KIND_INTEGER) {
        raise_text(REFLOW_ERROR_WRONG_KIND, "an integer that no float is equal to, at an inport of the type float",
                   "an inport of the type integer or any gives arrays of int64");
        return 0;
    }
    raise_text(REFLOW_ERROR_WRONG_KIND,
               "a batch of NumPy has integers and floats only, and a packet is of kind " +
                   std::string(text_of(reflow_kind_name(reflow_message_kind(message)))),
               "batch=True takes everything");
    return 0;
}

PyObject *array_of_numbers(const Numbers &numbers, size_t count)
{
    Failure error;
    reflow_message packed{};
    const void *data = numbers.of_floats ? static_cast<const void *>(numbers.floats.data()) : numbers.integers.data();
    const reflow_number type = numbers.of_floats ? REFLOW_NUMBER_F64 : REFLOW_NUMBER_I64;
    if (!check(reflow_message_numbers(type, data, count, &packed, error.out()), error)) return nullptr;
    PyObject *array = array_of_message(packed);
    reflow_message_unref(packed);
    return array;
}

// The arrays for a call with so many firings of a part, from the first on, as have the same types.
bool add_arrays(const Call &call, Part &part, std::vector<PyObject *> &arguments)
{
    const size_t values = call.node->spec->values;
    std::vector<Numbers> numbers(values);
    for (size_t input = 0; input < values; ++input) {
        const size_t same = read_numbers(call, part, input, numbers[input]);
        part.firings = std::max<size_t>(same, 1);
        if (same == 0) return false;
    }
    for (const Numbers &of_input : numbers) {
        PyObject *array = array_of_numbers(of_input, part.firings);
        if (array == nullptr) return false;
        arguments.push_back(array);
    }
    return true;
}

bool add_lists(const Call &call, const Part &part, std::vector<PyObject *> &arguments)
{
    for (size_t input = 0; input < call.node->spec->values; ++input) {
        PyObject *values = part.inputs == nullptr ? PyList_New(0) : values_of_input(call, part, input);
        if (values == nullptr) return false;
        arguments.push_back(values);
    }
    return true;
}

enum class Called {
    good,
    failed, // and has emitted nothing
    half,   // failed, behind something that it has emitted
};

// Calls the function with some of the firings; *firings is how many there are, and then how many of them, from
// the first on, were in the call. After a failure the exception is set.
Called call_firings(const Call &call, size_t first, size_t *firings)
{
    Node *node = call.node;
    const Entered context(node, call.native);
    if (!context) return Called::failed;
    enter(context.get(), call, first);
    const uint64_t before = context->emits;
    Part part{call.inputs != nullptr ? call.inputs + first * call.width : nullptr, *firings};
    std::vector<PyObject *> arguments = {nullptr, context.object()};
    const bool arrays = node->spec->style == Style::numpy && part.inputs != nullptr;
    bool good = arrays ? add_arrays(call, part, arguments) : add_lists(call, part, arguments);
    *firings = part.firings;
    context->firings = static_cast<uint32_t>(part.firings);
    Ref function(Py_XNewRef(node->run));
    if (good && function) {
        Ref result(in_python([&] {
            return PyObject_Vectorcall(function.get(), arguments.data() + 1,
                                       (arguments.size() - 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
        }));
        good = result && emit_results(context.get(), result.get());
    }
    for (size_t i = 2; i < arguments.size(); ++i) Py_DECREF(arguments[i]);
    if (good) return Called::good;
    fail_opened(context.get());
    return context->emits == before ? Called::failed : Called::half;
}

void set_exception(PyObject *exception)
{
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception)), exception);
}

// Calls the function with one firing; false with an exception.
bool call_one(const Call &call, size_t firing)
{
    size_t one = 1;
    return call_firings(call, firing, &one) == Called::good;
}

// One by one, so that only those fail that fail alone. Those behind them are a batch again. The first done
// firings are over.
reflow_status call_alone(const Call &call, size_t done)
{
    Node *node = call.node;
    while (done < call.firings && node->alone > 0) {
        --node->alone;
        if (!call_one(call, done)) return call.fail(done);
        ++done;
        if (done < call.firings && call.should_return(done)) break;
    }
    return done < call.firings ? call.leave(done) : REFLOW_OK;
}

// A call that fails has to leave nothing behind: its firings come again one by one. If it has emitted
// something, they would emit that again, so all of them fail with it.
reflow_status call_failed(const Call &call, size_t done, size_t firings, Called called)
{
    Node *node = call.node;
    if (firings == 1 || PyErr_ExceptionMatches(PyExc_Exception) == 0) return call.fail(done);
    if (called == Called::half) {
        Py_XSETREF(node->lost, take_exception());
        node->lost_firings = firings - 1;
        set_exception(node->lost);
        return call.fail(done);
    }
    PyErr_Clear();
    node->alone = firings;
    return call_alone(call, done);
}

reflow_status call_batch(const Call &call)
{
    Node *node = call.node;
    if (call.inputs == nullptr) {
        size_t none = 0;
        return call_firings(call, 0, &none) == Called::good ? REFLOW_OK : call.fail(0);
    }
    if (reflow_context_attempts(call.native) > 0) { // one that is tried again, whatever failed before
        if (!call_one(call, 0)) return call.fail(0);
        return call.firings > 1 ? call.leave(1) : REFLOW_OK;
    }
    if (node->lost_firings > 0 && node->lost != nullptr) {
        set_exception(node->lost);
        if (--node->lost_firings == 0) Py_CLEAR(node->lost);
        return call.fail(0);
    }
    if (node->alone > 0) return call_alone(call, 0);
    size_t done = 0;
    while (done < call.firings) { // lists: one call
        size_t firings = call.firings - done;
        const Called called = call_firings(call, done, &firings);
        if (called != Called::good) return call_failed(call, done, firings, called);
        done += firings;
        if (done < call.firings && call.is_over()) return call.leave(done);
    }
    return REFLOW_OK;
}

// ---- generators --------------------------------------------------------------------------------

enum class Produced { all, more, failed };

// Takes items of the generator of a node while there is room for them and time.
Produced produce(const Call &call, Context *context)
{
    size_t budget = most_items;
    const auto ports = static_cast<uint32_t>(PyTuple_GET_SIZE(context->info->outports));
    for (uint32_t port = 0; port < ports; ++port) {
        budget = std::min(budget, reflow_context_room(call.native, port));
    }
    Ref generator(Py_XNewRef(call.node->generator));
    if (!generator) return Produced::all;
    for (size_t i = 0; i < budget || i == 0; ++i) {
        Ref item(in_python([&] { return Py_TYPE(generator.get())->tp_iternext(generator.get()); }));
        if (!item) {
            if (PyErr_Occurred() == nullptr) return Produced::all;
            if (PyErr_ExceptionMatches(PyExc_StopIteration) == 0) return Produced::failed;
            PyErr_Clear();
            return Produced::all;
        }
        if (item.get() == Py_None) break;
        if (!emit_result(context, item.get())) return Produced::failed;
        if (call.should_return(i + 1)) break;
    }
    return Produced::more;
}

bool make_generator(const Call &call, Context *context)
{
    Arguments arguments(call.node->spec->values);
    if (!arguments.fill(context, context->packet, call.node->spec->values, call.node->spec->arrays)) {
        return false;
    }
    Ref function(Py_XNewRef(call.node->run));
    if (!function) return true;
    Ref made(arguments.call(function.get()));
    if (!made) return false;
    Py_XSETREF(call.node->streams, arguments.streams());
    call.node->generator = PyObject_GetIter(made.get());
    return call.node->generator != nullptr;
}

reflow_status call_generator(const Call &call)
{
    Node *node = call.node;
    const bool source = call.inputs == nullptr; // or a timer of another actor
    if (source && node->generator == nullptr && node->started) return REFLOW_OK;
    node->started = true;
    for (size_t i = 0; i < call.firings; ++i) {
        const Entered context(node, call.native);
        if (!context) return call.fail(i);
        enter(context.get(), call, i);
        Produced produced = Produced::failed;
        if (node->generator != nullptr || make_generator(call, context.get())) {
            produced = produce(call, context.get());
        }
        reflow_status status = REFLOW_OK;
        if (produced == Produced::failed) {
            fail_opened(context.get());
            close_streams(node->streams);
            status = call.fail(source ? 0 : i);
        }
        if (produced != Produced::more) {
            Py_CLEAR(node->generator);
            Py_CLEAR(node->streams);
        }
        if (produced == Produced::failed) return status;
        if (produced == Produced::more) {
            return source ? reflow_context_again(call.native) : call.leave(i);
        }
        if (i + 1 < call.firings && call.should_return(i + 1)) return call.leave(i + 1);
    }
    return REFLOW_OK;
}

// ---- coroutines --------------------------------------------------------------------------------

// What the firings of a call are told of it, which they outlive.
struct Begun {
    explicit Begun(const Call &call)
        : attempts(reflow_context_attempts(call.native)), now_ns(reflow_context_now_ns(call.native)),
          begun_ns(static_cast<uint64_t>(call.begin.time_since_epoch().count())),
          deadline_ns(reflow_context_deadline_ns(call.native))
    {
    }
    uint32_t attempts;
    uint64_t now_ns;
    uint64_t begun_ns;
    uint64_t deadline_ns;
};

// A firing that ends later: (ctx, value, ...), or NULL with an exception. NULL without one tells that the
// network stops.
PyObject *pending_firing(const Call &call, const Begun &begun, PyObject *info, size_t i)
{
    Node *node = call.node;
    Ref context(reinterpret_cast<PyObject *>(new_context(info)));
    if (!context) return nullptr;
    auto *inner = reinterpret_cast<Context *>(context.get());
    enter(inner, call, i);
    const reflow_packet *packets = inner->packet;
    const size_t inputs = node->spec->values;
    inner->task = true;
    inner->attempts = begun.attempts;
    inner->now_ns = begun.now_ns;
    inner->begun_ns = begun.begun_ns;
    inner->deadline_ns = begun.deadline_ns;
    if (packets != nullptr && packets->envelope != nullptr) inner->envelope = envelope_dict(packets);
    inner->packet = nullptr;
    Ref firing(PyTuple_New(static_cast<Py_ssize_t>(inputs + 1)));
    if (!firing) return nullptr;
    PyTuple_SET_ITEM(firing.get(), 0, Py_NewRef(context.get()));
    for (size_t k = 0; k < inputs; ++k) {
        PyObject *value = packets != nullptr ? from_message(packets[k].message, node->spec->arrays)
                                             : Py_NewRef(Py_None);
        if (value == nullptr) return nullptr;
        PyTuple_SET_ITEM(firing.get(), static_cast<Py_ssize_t>(k + 1), value);
    }
    reflow_completion completion{};
    if (const reflow_status status = reflow_context_defer(call.native, i, &completion)) {
        if (status == REFLOW_ERROR_CANCELLED) return nullptr;
        return raise_status(status, nullptr, "a firing cannot stay open");
    }
    inner->completion = completion.id;
    ++node->spec->hooks->open;
    const uint64_t limit_ms = reflow_context_watchdog_ms(call.native);
    if (limit_ms != 0 && node->spec->lookout != nullptr) {
        node->spec->lookout->watch(node, completion.id, limit_ms);
    }
    return firing.release();
}

reflow_status call_task(const Call &call)
{
    Node *node = call.node;
    if (call.inputs == nullptr) {
        if (node->started) return REFLOW_OK;
        node->started = true;
    }
    { // the configuration can be read inside a call only
        const Entered context(node, call.native);
        if (!context || config_of(context.get()) == nullptr) return call.fail(0);
    }
    // These may be taken from the node by a collection in the middle of this.
    Ref info(Py_XNewRef(node->info));
    Ref run(Py_XNewRef(node->run));
    Ref dispatch(Py_XNewRef(node->spec->dispatch));
    if (!info || !run || !dispatch) return REFLOW_OK;
    Ref firings(PyList_New(0));
    if (!firings) return call.fail(0);
    const Begun begun(call);
    size_t i = 0;
    for (; i < call.firings; ++i) {
        Ref firing(pending_firing(call, begun, info.get(), i));
        if (!firing || PyList_Append(firings.get(), firing.get()) != 0) break;
    }
    reflow_status status = REFLOW_OK;
    if (i < call.firings) status = PyErr_Occurred() != nullptr ? call.fail(i) : call.leave(i);
    if (PyList_GET_SIZE(firings.get()) == 0) return status;
    Ref done(in_python([&] {
        return PyObject_CallFunctionObjArgs(dispatch.get(), run.get(), info.get(), firings.get(), nullptr);
    }));
    return done ? status : call.fail(0);
}

} // namespace

reflow_status run_actor(reflow_context *native, void *state, reflow_packet *inputs, size_t count)
{
    if (ending()) return REFLOW_ERROR_CANCELLED;
    Gil gil;
    drain_deferred();
    auto *node = static_cast<Node *>(state);
    const Spec &spec = *node->spec;
    if (node->run == nullptr) return REFLOW_OK; // collected: nobody has the network any more
    const Turn turn(spec.runtime, native, spec.may_wait);
    Call call{native, node, count != 0 ? inputs : nullptr, count != 0 ? count / spec.width : 1, spec.width};
    switch (spec.style) {
    case Style::batch:
    case Style::numpy: return call_batch(call);
    case Style::generator: return call_generator(call);
    case Style::task: return call_task(call);
    default: return call_each(call);
    }
}

} // namespace reflowpy
