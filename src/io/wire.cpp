// Addresses of wires, and the host that owns the loop. Thread: any.
#include "io/wire.hpp"

#include <charconv>
#include <condition_variable>
#include <mutex>

#include "base/text.hpp"
#include "io/link.hpp"
#include "io/lookout.hpp"
#include "io/port.hpp"
#include "io/seat.hpp"

namespace reflow::io {
namespace {

constexpr std::size_t host_bytes = 253;  // of a name, as DNS has it
constexpr std::size_t path_bytes = 4096;

struct SchemeName {
    std::string_view name;
    WireScheme scheme;
    std::uint16_t port;  // if the text has none; 0: it has to
};
constexpr SchemeName schemes[] = {{"ws", WireScheme::ws, 80},
                                  {"wss", WireScheme::wss, 443},
                                  {"tcp", WireScheme::tcp, 0},
                                  {"tls", WireScheme::tls, 0}};

Failure wrong(std::string_view text, std::size_t place, std::string_view what) {
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                   concat("the address '", repair_utf8(text), "' has ", what, " at byte ", place))
        .at(1, static_cast<std::uint32_t>(place + 1), place)
        .hint("such as ws://host:9000/path or tcp://[::1]:9000");
}

// Letters that can stand in the head of a request without ending it.
std::size_t first_odd(std::string_view text, std::string_view odd) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto byte = static_cast<unsigned char>(text[i]);
        if (byte <= 0x20 || byte >= 0x7f || odd.find(text[i]) != std::string_view::npos) return i;
    }
    return std::string_view::npos;
}

bool secure(WireScheme scheme) noexcept {
    return scheme == WireScheme::wss || scheme == WireScheme::tls;
}
bool web(WireScheme scheme) noexcept {
    return scheme == WireScheme::ws || scheme == WireScheme::wss;
}

}  // namespace

Result<WireAddress> WireAddress::parse(std::string_view text) {
    WireAddress result;
    std::size_t at = 0;
    const SchemeName* scheme = &schemes[0];
    if (text.find("://") == std::string_view::npos) {
        result.any_form = true;
    } else {
        std::size_t mark = text.find("://");
        scheme = nullptr;
        for (const SchemeName& each : schemes) {
            if (text.substr(0, mark) == each.name) scheme = &each;
        }
        if (scheme == nullptr) return wrong(text, 0, "a scheme that is none of ws, wss, tcp, tls");
        at = mark + 3;
    }
    result.scheme = scheme->scheme;
    std::size_t end = std::min(text.find_first_of("/?#", at), text.size());
    std::string_view place = text.substr(at, end - at);
    std::string_view port;
    if (!place.empty() && place.front() == '[') {
        std::size_t close = place.find(']');
        if (close == std::string_view::npos) return wrong(text, at, "a bracket that is not closed");
        result.host = String(place.substr(1, close - 1));
        port = place.substr(close + 1);
        if (result.host.find(':') == String::npos)
            return wrong(text, at + 1, "brackets around no IPv6 number");
    } else {
        std::size_t colon = place.find(':');
        if (colon != place.rfind(':'))
            return wrong(text, at + colon, "an IPv6 number without brackets");
        result.host = String(place.substr(0, colon));
        port = colon == std::string_view::npos ? std::string_view{} : place.substr(colon);
    }
    if (result.host.empty()) return wrong(text, at, "no host");
    if (result.host.size() > host_bytes) return wrong(text, at, "a host that is too long");
    if (std::size_t odd = first_odd(result.host, "@[]%\\\"<>"); odd != std::string_view::npos)
        return wrong(text, at + odd, "a letter that no host has");
    result.port = scheme->port;
    if (!port.empty()) {
        std::uint32_t number = 0;
        auto [stop, problem] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
        if (port.front() != ':' || problem != std::errc{} || stop != port.data() + port.size() ||
            number == 0 || number > 65535) {
            return wrong(text, end - port.size(), "no port from 1 to 65535");
        }
        result.port = static_cast<std::uint16_t>(number);
    }
    if (result.port == 0) return wrong(text, end, "no port, which tcp and tls need");
    std::string_view path = text.substr(end);
    if (web(result.scheme)) {
        result.path = concat(path.empty() || path.front() != '/' ? "/" : "", path);
        if (path.size() > path_bytes) return wrong(text, end, "a path that is too long");
        if (std::size_t odd = first_odd(path, "#"); odd != std::string_view::npos)
            return wrong(text, end + odd, "a letter that no path has");
    } else if (!path.empty() && path != "/") {
        return wrong(text, end, "a path, which tcp and tls do not have");
    }
    return result;
}

String WireAddress::text() const {
    bool six = host.find(':') != String::npos;
    return concat(schemes[static_cast<std::size_t>(scheme)].name, "://", six ? "[" : "", host,
                  six ? "]:" : ":", port,
                  path == "/" ? std::string_view{} : std::string_view(path));
}

namespace {

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
        Result<Ref<Loop>> started = Loop::start(seat_);
        if (!started.ok()) return started.take_error();
        loop_ = std::move(started).take();
        resolver_ = make_ref<Resolver>();
        // Before anything else is called there.
        (void)loop_->post(be_thread_of_peers);
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
