// The host that owns the loop. Thread: any.
#include "io/wire.hpp"

#include <condition_variable>
#include <mutex>

#include "base/text.hpp"
#include "io/link.hpp"
#include "io/lookout.hpp"
#include "io/port.hpp"
#include "io/seat.hpp"

namespace reflow::io {
namespace {

bool secure(WireScheme scheme) noexcept {
    return scheme == WireScheme::wss || scheme == WireScheme::tls;
}
bool web(WireScheme scheme) noexcept {
    return scheme == WireScheme::ws || scheme == WireScheme::wss;
}

thread_local constinit const void* thread_of_peers = nullptr;  // not NULL there

class Host final : public WireHost {
public:
    Host(Options options, Ref<Seat> seat)
        : options_(std::move(options)), seat_(std::move(seat)) {}
    ~Host() override;
    Result<std::uint64_t> listen(std::string_view address, std::uint16_t port,
                                 const PortOptions& options, PortHandler& handler,
                                 std::uint16_t* bound) override;
    void unlisten(std::uint64_t listener) override;
    Result<Ref<Wire>> dial(const WireAddress& to, const WireOptions& options,
                           WireHandler& handler) override;
    std::uint64_t after(std::uint64_t delay_ns, std::function<void()> call) override;
    void cancel(std::uint64_t timer) noexcept override;
    void call_at_home(std::function<void()> call);
    void settle() override;

private:
    Result<Ref<Loop>> loop();
    static void run_there(Loop& loop, const std::function<void()>& call);

    const Options options_;
    const Ref<Seat> seat_;
    std::mutex mutex_;  // guards all below
    Ref<Loop> loop_;
    Ref<Resolver> resolver_;
    Map<std::uint64_t, Ref<Port>> ports_;
    std::uint64_t last_port_ = 0;
};

Host::~Host() {
    // Links first: nobody asks for names then.
    if (loop_) loop_->stop();
    if (resolver_) resolver_->stop();
}

// Started with the first use.
Result<Ref<Loop>> Host::loop() {
    std::lock_guard lock(mutex_);
    if (!loop_) {
        Result<Ref<Loop>> started = Loop::start(seat_, options_.threads);
        if (!started.ok()) return started.take_error();
        loop_ = std::move(started).take();
        resolver_ = make_ref<Resolver>(options_.threads);
    }
    return loop_;
}

Result<std::uint64_t> Host::listen(std::string_view address, std::uint16_t port,
                                   const PortOptions& options, PortHandler& handler,
                                   std::uint16_t* bound) {
    if (bound != nullptr) *bound = 0;
    Result<Ref<Loop>> loop = this->loop();
    if (!loop.ok()) return loop.take_error();
    Result<Ref<Port>> opened =
        Port::open(loop.value(), address, port, options, handler, options_.log);
    if (!opened.ok()) return opened.take_error();
    Ref<Port> made = std::move(opened).take();
    std::uint64_t number = 0;
    {
        std::lock_guard lock(mutex_);
        number = ++last_port_;
        ports_.emplace(number, made);
    }
    if (bound != nullptr) *bound = made->bound();
    loop.value()->post([made] { made->begin(); });
    return number;
}

void Host::unlisten(std::uint64_t listener) {
    Ref<Port> port;
    Ref<Loop> loop;
    {
        std::lock_guard lock(mutex_);
        auto found = ports_.find(listener);
        if (found == ports_.end()) return;
        port = found->second;
        ports_.erase(found);
        loop = loop_;
    }
    if (!loop) return;  // not with a port
    if (loop->here()) return port->finish();
    run_there(*loop, [port] { port->finish(); });
}

// Runs on the loop and waits for it; nothing once that has ended.
void Host::run_there(Loop& loop, const std::function<void()>& call) {
    struct Done {
        std::mutex mutex;
        std::condition_variable changed;
        bool yes = false;
    } done;
    bool posted = loop.post([&call, &done] {
        call();
        std::lock_guard lock(done.mutex);
        done.yes = true;
        done.changed.notify_all();
    });
    std::unique_lock lock(done.mutex);
    while (posted && !done.yes) done.changed.wait(lock);
}

void Host::call_at_home(std::function<void()> call) {
    Ref<Loop> loop;
    {
        std::lock_guard lock(mutex_);
        loop = loop_;
    }
    if (!loop || !loop->here() || loop->at_home()) return call();
    loop->post(std::move(call));
}

void Host::settle() {
    Ref<Loop> loop;
    {
        std::lock_guard lock(mutex_);
        loop = loop_;
    }
    if (loop && !loop->here()) run_there(*loop, [] {});
}

Result<Ref<Wire>> Host::dial(const WireAddress& to, const WireOptions& options,
                             WireHandler& handler) {
    Result<Ref<Loop>> loop = this->loop();
    if (!loop.ok()) return loop.take_error();
    Ref<TlsContext> tls;
    if (secure(to.scheme)) {
        Result<Ref<TlsContext>> made = TlsContext::create(options.tls, false);
        if (!made.ok()) return made.take_error();
        tls = std::move(made).take();
    }
    Ref<Link> link = make_ref<Link>(loop.value(), to.scheme,
                                    web(to.scheme) ? Form::ws_client : Form::tcp, options);
    if (!link->dial(to, handler, resolver_, std::move(tls)))
        return Failure(REFLOW_ERROR_CLOSED, "the host of wires has ended");
    return Ref<Wire>::adopt(link.leak());
}

std::uint64_t Host::after(std::uint64_t delay_ns, std::function<void()> call) {
    Result<Ref<Loop>> loop = this->loop();
    return loop.ok() ? loop.value()->after(delay_ns, std::move(call)) : 0;
}

void Host::cancel(std::uint64_t timer) noexcept {
    Ref<Loop> loop;
    {
        std::lock_guard lock(mutex_);
        loop = loop_;
    }
    if (loop) loop->cancel(timer);
}

}  // namespace

bool on_thread_of_peers() noexcept { return thread_of_peers != nullptr || Loop::stands_in(); }
void be_thread_of_peers() noexcept { thread_of_peers = &thread_of_peers; }

Ref<Lookout> make_lookout(std::uint64_t step_ns) {
    return Ref<Lookout>::adopt(new Seat(step_ns));
}

Result<std::unique_ptr<WireHost>> make_host(WireHost::Options options, Ref<Lookout> place) {
    // make_lookout() makes no others.
    auto seat = Ref<Seat>::adopt(static_cast<Seat*>(place.leak()));
    return std::unique_ptr<WireHost>(new Host(std::move(options), std::move(seat)));
}

void call_at_home(WireHost& host, std::function<void()> call) {
    static_cast<Host&>(host).call_at_home(std::move(call));
}

Result<std::unique_ptr<WireHost>> WireHost::create(Options options) {
    return std::unique_ptr<WireHost>(new Host(std::move(options), nullptr));
}

}  // namespace reflow::io
