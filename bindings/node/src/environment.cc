// How other threads reach JavaScript: one queue and one thread-safe function for each environment. Jobs
// are taken in one go, so a crossing costs once for all that has gathered.
#include "environment.h"

#include <algorithm>
#include <chrono>

#include "core.h"
#include "frames.h"

namespace reflow_node {

namespace {

// How long the loop may be kept by jobs before others have their turn.
constexpr std::chrono::milliseconds kTurn{5};
constexpr std::size_t kIdleHelpers = 4;

struct FunctionJob final : Job {
    explicit FunctionJob(std::function<void(Napi::Env)> f) : function(std::move(f)) {}
    void run(Napi::Env env) override { function(env); }
    void abort() noexcept override {}
    std::function<void(Napi::Env)> function;
};

}  // namespace

struct Wake {
    static void call(napi_env env, napi_value, void* context, void*) {
        auto* environment = static_cast<Environment*>(context);
        if (env != nullptr && !environment->resting_) environment->drain(Napi::Env(env));
    }
    // The environment ends: nothing of JavaScript can be called any more, so whatever waits for it is let
    // go first; then a stop cannot take long, and is waited for here. The hook is of the asynchronous kind,
    // which Node calls before it closes the handles of its loop.
    static void clean(napi_async_cleanup_hook_handle handle, void* data) {
        auto* environment = static_cast<Environment*>(data);
        environment->quit();
        environment->shut_down();
        environment->hook_ = nullptr;
        napi_remove_async_cleanup_hook(handle);
    }
};

std::shared_ptr<Environment> Environment::create(Napi::Env env, Napi::Object) {
    auto made = std::make_shared<Environment>(env);
    Napi::Value name = Napi::String::New(env, "reflow");
    napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr,
                                                         nullptr, made.get(), Wake::call, &made->wake_);
    if (status == napi_ok) status = napi_unref_threadsafe_function(env, made->wake_);
    if (status == napi_ok) {
        status = napi_add_async_cleanup_hook(env, Wake::clean, made.get(), &made->hook_);
    }
    if (status != napi_ok) throw Napi::Error::New(env, "reflow cannot attach to this environment");
    // Kept by the instance data of the environment, which is let go of after the hooks.
    env.SetInstanceData(new std::shared_ptr<Environment>(made));
    return made;
}

Environment& Environment::of(Napi::Env env) {
    return **env.GetInstanceData<std::shared_ptr<Environment>>();
}

Environment::Environment(Napi::Env env) : env_(env) {}

Environment::~Environment() {
    quit();
    shut_down();
    // The environment is going: what holds values of it must not look at them any more.
    for (auto* function : {&make_error, &dispatch, &unwrap, &make_message, &as_buffer, &rest}) {
        function->SuppressDestruct();
    }
    object_prototype.SuppressDestruct();
}

void Environment::post(std::shared_ptr<Job> job) {
    {
        std::lock_guard lock(mutex_);
        if (alive()) {
            jobs_.push_back(std::move(job));
            if (scheduled_) return;
            scheduled_ = true;
            // Under the lock: quit() takes it before it lets go of the function.
            napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
            return;
        }
    }
    job->abort();
}

void Environment::post(std::function<void(Napi::Env)> function) {
    post(std::make_shared<FunctionJob>(std::move(function)));
}

void Environment::wait(const std::shared_ptr<Call>& call) {
    if (std::this_thread::get_id() == thread_) {
        if (alive()) {
            Napi::HandleScope scope{Napi::Env(env_)};
            call->run(Napi::Env(env_));
        }
        if (!call->done()) call->context = nullptr;  // whoever asks for it later finds it gone
        call->abort();  // what is not done now would never be
        return;
    }
    {
        std::lock_guard lock(mutex_);
        if (alive()) waiting_.insert(call.get());
    }
    post(call);
    call->acquire();
    std::lock_guard lock(mutex_);
    waiting_.erase(call.get());
}

void Environment::go_on(Napi::Env env) {
    resting_ = false;
    spent_ = {};
    drain(env);
}

// Node calls a thread-safe function again and again in one turn of its loop while it is asked to. So
// what is used of a turn is counted here, and when that is enough the rest waits for setImmediate.
void Environment::drain(Napi::Env env) {
    auto self = shared_from_this();
    auto began = std::chrono::steady_clock::now();
    for (;;) {
        std::shared_ptr<Job> job;
        {
            std::lock_guard lock(mutex_);
            if (!alive()) return;
            auto now = std::chrono::steady_clock::now();
            spent_ += now - began;
            began = now;
            if (spent_ > kTurn) {
                resting_ = scheduled_ = true;
            } else if (jobs_.empty()) {
                scheduled_ = false;
                return;
            } else {
                job = std::move(jobs_.front());
                jobs_.pop_front();
            }
        }
        Napi::HandleScope scope(env);
        if (!job) {
            napi_value ignored = nullptr;
            napi_call_function(env, env.Global(), rest.Value(), 0, nullptr, &ignored);
            return;
        }
        lookout.turned();
        try {
            job->run(env);
        } catch (const Napi::Error& error) {
            // A job tells its failures itself; what is left is a fault that has to be seen.
            if (alive()) napi_fatal_exception(env, error.Value());
        }
    }
}

void Environment::retain(Napi::Env env) {
    if (kept_++ == 0 && alive()) napi_ref_threadsafe_function(env, wake_);
}

void Environment::release(Napi::Env env) {
    if (--kept_ == 0 && alive()) napi_unref_threadsafe_function(env, wake_);
}

// ---- helpers: threads for calls of the engine that wait

void Environment::background(std::function<void()> work) {
    ++helped;
    std::vector<std::thread> finished;
    {
        std::lock_guard lock(helpers_mutex_);
        finished.swap(finished_);
    }
    for (std::thread& helper : finished) helper.join();
    {
        std::lock_guard lock(helpers_mutex_);
        if (!ending_) {
            work_.push_back(std::move(work));
            if (idle_helpers_ >= work_.size()) {
                helpers_changed_.notify_one();
            } else {
                helpers_.emplace_back([this] { helper(); });
            }
            return;
        }
    }
    work();
}

void Environment::task(std::function<void()> work, std::function<void(Napi::Env)> done) {
    Napi::Env env(env_);
    retain(env);
    background([this, work = std::move(work), done = std::move(done)] {
        work();
        post([this, done](Napi::Env inside) {
            release(inside);
            done(inside);
        });
    });
}

void Environment::post_kept(std::function<void(Napi::Env)> function, bool later) {
    if (!later) return function(Napi::Env(env_));
    retain(Napi::Env(env_));
    post([this, function = std::move(function)](Napi::Env env) {
        release(env);
        function(env);
    });
}

void Environment::helper() {
    std::unique_lock lock(helpers_mutex_);
    for (;;) {
        if (work_.empty()) {
            if (ending_) return;
            if (idle_helpers_ >= kIdleHelpers) break;
            ++idle_helpers_;
            helpers_changed_.wait(lock, [&] { return ending_ || !work_.empty(); });
            --idle_helpers_;
            continue;
        }
        std::function<void()> work = std::move(work_.front());
        work_.pop_front();
        lock.unlock();
        work();
        work = nullptr;
        lock.lock();
    }
    // More than enough wait already: this one goes, and the next that is started joins it.
    auto self = std::this_thread::get_id();
    for (auto at = helpers_.begin(); at != helpers_.end(); ++at) {
        if (at->get_id() != self) continue;
        finished_.push_back(std::move(*at));
        helpers_.erase(at);
        break;
    }
}

// ---- the end

void Environment::quit() noexcept {
    std::deque<std::shared_ptr<Job>> left;
    {
        std::lock_guard lock(mutex_);
        if (!alive_.exchange(false, std::memory_order_acq_rel)) return;
        left.swap(jobs_);
        if (wake_ != nullptr) napi_release_threadsafe_function(wake_, napi_tsfn_abort);
        wake_ = nullptr;
        // Those that wait for a job that has been taken already, too.
        for (Call* call : waiting_) call->abort();
    }
    for (auto& job : left) job->abort();
}

void Environment::enter(Core& core) {
    std::lock_guard lock(cores_mutex_);
    all_cores_.insert(&core);
}

void Environment::leave(Core& core) {
    std::lock_guard lock(cores_mutex_);
    all_cores_.erase(&core);
}

std::vector<std::shared_ptr<Core>> Environment::cores_now() {
    std::vector<std::shared_ptr<Core>> all;
    std::lock_guard lock(cores_mutex_);
    for (Core* core : all_cores_) {
        if (auto held = core->weak_from_this().lock()) all.push_back(std::move(held));
    }
    return all;
}

void Environment::exiting() noexcept {
    quit();
    for (auto& [whose, end] : std::exchange(at_exit, {})) end();
    auto all = cores_now();
    for (auto& core : all) core->try_stop(0);
    // What is in the middle of something has a second in all, and is left to the end of the process then.
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    for (auto& core : all) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now());
        core->try_stop(std::max<std::int64_t>(left.count(), 0));
    }
}

void Environment::shut_down() noexcept {
    lookout.end();
    std::vector<std::shared_ptr<Core>> left = cores_now();
    for (auto& core : left) core->stop_now();
    std::vector<std::thread> helpers;
    {
        std::lock_guard lock(helpers_mutex_);
        ending_ = true;
        helpers.swap(helpers_);
        for (std::thread& helper : finished_) helpers.push_back(std::move(helper));
        finished_.clear();
    }
    helpers_changed_.notify_all();
    for (std::thread& helper : helpers) helper.join();
    for (auto& core : left) core->end();
}

}  // namespace reflow_node
