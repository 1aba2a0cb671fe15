// Section 10 of reflow.h: breakpoints.
// Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

// The callback of a host.
class HostCondition final : public network::Condition {
public:
    HostCondition(network::HostData host, reflow_condition_fn condition)
        : host_(std::move(host)), condition_(condition) {}
    Answer ask(MessageRef message) noexcept override {
        bool stops = true;  // rather than not at all
        call_host("condition", nullptr,
                  [&] { stops = condition_(host_.get(), message.raw()); });
        return stops ? Answer::yes : Answer::no;
    }

private:
    network::HostData host_;
    const reflow_condition_fn condition_;
};

Result<std::unique_ptr<network::Condition>> condition_of(const reflow_break_options& given,
                                                         network::HostData& host) {
    Result<std::string_view> text = text_argument(given.expression, "expression");
    if (!text.ok()) return text.take_error();
    if (given.condition != nullptr) {
        if (!text.value().empty()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "a breakpoint has a condition or an expression");
        }
        return std::unique_ptr<network::Condition>(
            new HostCondition(std::move(host), given.condition));
    }
    if (text.value().empty()) return std::unique_ptr<network::Condition>();
    if (modules.condition == nullptr) return left_out("components");
    return modules.condition(text.value());
}

Result<network::BreakOptions> translate(const reflow_break_options& given,
                                        network::HostData& host) {
    network::BreakOptions options;
    constexpr std::uint32_t flags = REFLOW_BREAK_ONCE | REFLOW_BREAK_NODE_ONLY;
    if ((given.flags & ~flags) != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("unknown flags ", given.flags & ~flags, " of a breakpoint"));
    }
    const struct {
        reflow_view from;
        std::string_view& to;
        std::string_view name;
    } texts[] = {{given.node, options.node, "node"},
                 {given.inport, options.inport, "inport"},
                 {given.outport, options.outport, "outport"},
                 {given.peer, options.peer, "peer"},
                 {given.peer_port, options.peer_port, "peer_port"}};
    for (const auto& text : texts) {
        Result<std::string_view> read = text_argument(text.from, text.name);
        if (!read.ok()) return read.take_error();
        text.to = read.value();
    }
    options.once = (given.flags & REFLOW_BREAK_ONCE) != 0;
    options.node_only = (given.flags & REFLOW_BREAK_NODE_ONLY) != 0;
    options.ignore = given.ignore;
    auto condition = condition_of(given, host);
    if (!condition.ok()) return condition.take_error();
    options.condition = std::move(condition).take();
    return options;
}

}  // namespace

extern "C" {

reflow_status reflow_network_break(reflow_network* network, const reflow_break_options* options,
                                   reflow_breakpoint* out, reflow_error** error) {
    network::HostData host;
    return guarded(error, [&]() -> Result<void> {
        if (out != nullptr) *out = {};
        Result<reflow_break_options> read = read_options(options, "reflow_break_options");
        reflow_break_options given = read.ok() ? read.value() : known_fields(options);
        // From here on the user data is ours, also if something fails.
        host = network::HostData(given.user_data, given.destroy);
        if (!read.ok()) return read.take_error();
        if (out == nullptr) return null_argument("out");
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<network::BreakOptions> translated = translate(given, host);
        if (!translated.ok()) return translated.take_error();
        auto made = network_of(network)->add_breakpoint(std::move(translated).take());
        if (!made.ok()) return made.take_error();
        out->id = made.value();
        return {};
    });
}

reflow_status reflow_network_unbreak(reflow_network* network, reflow_breakpoint breakpoint,
                                     reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->remove_breakpoint(breakpoint.id);
    });
}

reflow_status reflow_network_breakpoints(const reflow_network* network, reflow_message* out,
                                         reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return give(network_of(network)->list_breakpoints(), out);
    });
}

}  // extern "C"
