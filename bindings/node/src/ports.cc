// Sending and receiving. Nothing here waits on the JS thread: what finds no room waits in a queue of the
// inport, and the engine tells when it takes more.
#include "ports.h"

#include "actors.h"
#include "frames.h"

namespace reflow_node {

namespace {

struct Watch {
    std::weak_ptr<Core> core;
    std::uint32_t index;
};

std::size_t flush_inport(Napi::Env env, Core& core, std::uint32_t index);

void told_writable(void* user_data, reflow_inport) {
    auto* watch = static_cast<Watch*>(user_data);
    auto core = watch->core.lock();
    if (!core) return;
    core->environment->post(
        [core, index = watch->index](Napi::Env env) { flush_inport(env, *core, index); });
}

Failure watch_inport(Core& core, std::uint32_t index) {
    Inport& inport = core.inports[index];
    if (inport.watched) return {};
    reflow_error* error = nullptr;
    reflow_status status = reflow_network_on_writable(
        core.network, inport.id, told_writable, new Watch{core.weak_from_this(), index},
        [](void* data) { delete static_cast<Watch*>(data); }, &error);
    inport.watched = status == REFLOW_OK;
    return failure_of(status, error);
}

reflow_status send_some(Core& core, Inport& inport, reflow_message* messages, std::size_t count,
                        std::size_t& accepted, reflow_error*& error) {
    const auto& envelope = inport.waiting.front().envelope;
    if (!envelope) {
        return reflow_network_send_many(core.network, inport.id, messages, count, 0, &accepted, &error);
    }
    reflow_status status = reflow_network_send_enveloped(core.network, inport.id, messages[0],
                                                         envelope->get(), 0, &error);
    accepted = status == REFLOW_OK ? 1 : 0;
    return status;
}

// Sends from the front of the queue what there is room for.
Failure send_waiting(Core& core, Inport& inport, std::size_t& sent) {
    sent = 0;
    while (!inport.waiting.empty()) {
        reflow_message chunk[256];
        std::size_t count = std::min<std::size_t>(inport.waiting.size(), 256);
        // One by one where there are envelopes, the others in one go.
        if (inport.waiting.front().envelope) count = 1;
        for (std::size_t i = 0; i < count; ++i) {
            if (i != 0 && inport.waiting[i].envelope) count = i;
            else chunk[i] = inport.waiting[i].message.get();
        }
        std::size_t accepted = 0;
        reflow_error* error = nullptr;
        reflow_status status = send_some(core, inport, chunk, count, accepted, error);
        for (std::size_t i = 0; i < accepted; ++i) {
            (void)inport.waiting.front().message.leak();
            inport.waiting.pop_front();
        }
        sent += accepted;
        if (status == REFLOW_ERROR_WOULD_BLOCK) {
            reflow_error_destroy(error);
            return {};
        }
        if (status != REFLOW_OK) {
            inport.waiting.clear();
            return failure_of(status, error);
        }
    }
    return {};
}

// How many went in.
std::size_t flush_inport(Napi::Env env, Core& core, std::uint32_t index) {
    Inport& inport = core.inports[index];
    if (inport.waiting.empty()) return 0;
    std::size_t sent = 0;
    Failure failure;
    if (core.closing) {
        inport.waiting.clear();
        failure.status = REFLOW_ERROR_CLOSED;
        failure.message = "the network is closed";
    } else {
        failure = send_waiting(core, inport, sent);
    }
    napi_value self = core.self(env);
    napi_value problem = failure ? static_cast<napi_value>(error_of(env, failure).Value())
                                 : static_cast<napi_value>(env.Null());
    if (self == nullptr) return sent;
    core.environment->dispatch.Call({self, Napi::Number::New(env, kWritable),
                                     Napi::Number::New(env, index),
                                     Napi::Number::New(env, static_cast<double>(sent)), problem});
    return sent;
}

std::shared_ptr<Output> output_of(const Napi::CallbackInfo& info) {
    return *info[0].As<Napi::External<std::shared_ptr<Output>>>().Data();
}

// In a turn of the engine: it holds up that turn, so it only posts.
void told_readable(void* user_data) {
    auto output = static_cast<std::weak_ptr<Output>*>(user_data)->lock();
    if (!output || output->told.exchange(true)) return;
    output->environment->post([output](Napi::Env) {
        output->told.store(false);
        output->wake();
    });
}

}  // namespace

bool flush_inports(Napi::Env env, Core& core) {
    bool some = false;
    for (std::uint32_t index = 0; index < core.inports.size(); ++index) {
        some = flush_inport(env, core, index) > 0 || some;
    }
    return some;
}

Napi::Value find_inport(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_network* network = core->running(info.Env());
    std::string node = info[1].As<Napi::String>(), port = info[2].As<Napi::String>();
    Inport inport;
    reflow_error* error = nullptr;
    check(info.Env(),
          reflow_network_find_inport(network, view_of(node), view_of(port), &inport.id, &error),
          error);
    core->inports.push_back(std::move(inport));
    return Napi::Number::New(info.Env(), static_cast<double>(core->inports.size() - 1));
}

Napi::Value send(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto core = Core::of(info);
    reflow_network* network = core->running(env);
    std::uint32_t index = info[1].As<Napi::Number>().Uint32Value();
    bool queue = info[3].ToBoolean();
    Inport& inport = core->inports[index];
    Message message = from_js(env, info[2]);
    auto envelope = envelope_from_js(env, info[4]);
    if (!inport.waiting.empty()) {
        if (queue) inport.waiting.push_back({std::move(message), std::move(envelope)});
        return Napi::Number::New(env, queue ? 2 : 0);
    }
    if (queue) {
        Failure failure = watch_inport(*core, index);
        if (failure) raise(env, failure);
    }
    reflow_error* error = nullptr;
    reflow_status status =
        envelope ? reflow_network_send_enveloped(network, inport.id, message.get(), envelope->get(), 0, &error)
                 : reflow_network_try_send(network, inport.id, message.get(), &error);
    if (status == REFLOW_OK) {
        (void)message.leak();
        core->busy(env);
        return Napi::Number::New(env, 1);
    }
    if (status != REFLOW_ERROR_WOULD_BLOCK) check(env, status, error);
    reflow_error_destroy(error);
    if (queue) inport.waiting.push_back({std::move(message), std::move(envelope)});
    core->busy(env);
    return Napi::Number::New(env, queue ? 2 : 0);
}

Napi::Value send_frames(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto core = Core::of(info);
    std::uint32_t index = info[1].As<Napi::Number>().Uint32Value();
    Inport& inport = core->inports[index];
    std::vector<reflow_message> messages;
    std::vector<std::uint32_t> ports;
    core->environment->io->take(info[2].As<Napi::Number>().Uint32Value(), messages, ports);
    for (reflow_message message : messages) inport.waiting.push_back({Message(message), nullptr});
    reflow_network* network = core->running(env);
    (void)network;
    Failure failure = watch_inport(*core, index);
    std::size_t sent = 0;
    if (!failure && inport.waiting.size() == messages.size()) {
        failure = send_waiting(*core, inport, sent);
    }
    if (failure) raise(env, failure);
    core->busy(env);
    return Napi::Number::New(env, static_cast<double>(messages.size() - sent));
}

Napi::Value withdraw(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    auto& waiting = core->inports[info[1].As<Napi::Number>().Uint32Value()].waiting;
    const auto from = std::min<std::size_t>(info[2].As<Napi::Number>().Uint32Value(), waiting.size());
    const auto to = std::min<std::size_t>(from + info[3].As<Napi::Number>().Uint32Value(), waiting.size());
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(from), waiting.begin() + static_cast<std::ptrdiff_t>(to));
    return info.Env().Undefined();
}

// ---- outputs

Output::~Output() {
    --environment->outputs;
    close();
}

void Output::close() {
    closed = true;
    reflow_output* ended = std::exchange(output, nullptr);
    // It waits for a call of told_readable, and nothing may wait here.
    if (ended != nullptr) environment->background([ended] { reflow_output_destroy(ended); });
}

void Output::wake() {
    if (waiting.IsEmpty()) return;
    Napi::FunctionReference callback = std::move(waiting);
    waiting = Napi::FunctionReference();
    callback.Call({});
}

Napi::Value open_output(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto core = Core::of(info);
    core->running(env);
    std::string node = info[1].As<Napi::String>(), port = info[2].As<Napi::String>();
    std::uint32_t capacity = info[3].As<Napi::Number>().Uint32Value();
    auto output = std::make_shared<Output>();
    output->environment = core->environment;
    output->typed = info[4].ToBoolean();
    ++core->environment->outputs;
    auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
    auto failure = std::make_shared<Failure>();
    core->task(
        [=] {
            *failure = core->with_network([&](reflow_network* network, reflow_error** error) {
                reflow_status status = reflow_network_open_output(
                    network, view_of(node), view_of(port), capacity, &output->output, error);
                if (status != REFLOW_OK) return status;
                return reflow_output_on_readable(
                    output->output, told_readable, new std::weak_ptr<Output>(output),
                    [](void* data) { delete static_cast<std::weak_ptr<Output>*>(data); }, error);
            });
        },
        [=](Napi::Env inside) {
            if (*failure) return deferred->Reject(error_of(inside, *failure).Value());
            core->outputs.push_back(output);
            deferred->Resolve(Napi::External<std::shared_ptr<Output>>::New(
                inside, new std::shared_ptr<Output>(output),
                [](Napi::Env, std::shared_ptr<Output>* held) {
                    (*held)->close();
                    (*held)->waiting.Reset();  // here, since the last use may end on any thread
                    delete held;
                }));
        });
    return deferred->Promise();
}

Napi::Value receive(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto output = output_of(info);
    Frames& frames = *output->environment->io;
    std::vector<reflow_message> got;
    if (!output->closed) {
        got.resize(1024);
        std::size_t count = 0;
        reflow_error* error = nullptr;
        reflow_status status = reflow_output_recv_many(output->output, got.data(), got.size(), 0,
                                                       &count, &error);
        got.resize(count);
        if (status == REFLOW_ERROR_CLOSED) output->closed = true;
        else if (status != REFLOW_OK && status != REFLOW_ERROR_WOULD_BLOCK) check(env, status, error);
        reflow_error_destroy(error);
    }
    if (got.empty()) return Napi::Number::New(env, output->closed ? -1 : 0);
    for (std::size_t i = 0; i < got.size(); ++i) {
        Message message(got[i]);
        frames.put(env, i, message.get(), output->typed);
    }
    return Napi::Number::New(env, static_cast<double>(got.size()));
}

Napi::Value receive_enveloped(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto output = output_of(info);
    Napi::Array got = Napi::Array::New(env);
    while (!output->closed && got.Length() < 256) {
        reflow_message taken{};
        reflow_envelope envelope{};
        envelope.struct_size = sizeof envelope;
        reflow_error* error = nullptr;
        reflow_status status =
            reflow_output_recv_enveloped(output->output, &taken, &envelope, 0, &error);
        if (status == REFLOW_ERROR_CLOSED) output->closed = true;
        else if (status != REFLOW_OK && status != REFLOW_ERROR_WOULD_BLOCK) check(env, status, error);
        reflow_error_destroy(error);
        if (status != REFLOW_OK) break;
        Message message(taken);
        Napi::Object one = Napi::Object::New(env);
        const Envelope copy(envelope);
        one.Set("value", Napi::Value(env, to_js(env, message.get(), output->typed)));
        one.Set("envelope", envelope_to_js(env, &copy));
        got.Set(got.Length(), one);
    }
    if (got.Length() != 0) return got;
    return Napi::Number::New(env, output->closed ? -1 : 0);
}

Napi::Value wait_output(const Napi::CallbackInfo& info) {
    auto output = output_of(info);
    // What comes behind the last receive is told by a job, and that runs behind this.
    output->waiting = Napi::Persistent(info[1].As<Napi::Function>());
    return info.Env().Undefined();
}

Napi::Value close_output(const Napi::CallbackInfo& info) {
    auto output = output_of(info);
    output->close();
    output->wake();
    return info.Env().Undefined();
}

void wake_outputs(Core& core) {
    std::erase_if(core.outputs, [](auto& one) { return one.expired(); });
    auto all = core.outputs;
    for (auto& one : all) {
        if (auto output = one.lock()) output->wake();
    }
}

}  // namespace reflow_node
