// The network under `reflow debug`: stepping, going on, breakpoints, the end.
// Neighbours: debug_session. Thread: main.
#include "cli/debug.hpp"

#include <algorithm>

#include "cli/environment.hpp"
#include "cli/files.hpp"
#include "cli/interrupts.hpp"
#include "cli/problem.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// Turns between two looks at Ctrl-C.
constexpr std::uint64_t turns = 64;

std::string json_of(reflow_message message) {
    Buffer buffer;
    Error error;
    const reflow_status status =
        reflow_message_to_json(message, REFLOW_JSON_PLAIN, Out(buffer), Out(error));
    check(status, error, exit_failed);
    return std::string(text_of(buffer));
}

}  // namespace

Debugged::Debugged(RunOptions options, Console& console)
    : options_(std::move(options)), console_(console) {
    GraphSource source{options_.graph, {}};
    graph_ = load_graph(options_.graph, {}, &source.text);
    resolve_environment(graph_.get(), source);
    info_.emplace(graph_.get());
    make_runtime();
    if (options_.output_dir) {
        apply_output_dir(graph_.get(), *info_, runtime_.get(), *options_.output_dir);
    }
    for (const std::string& set : options_.sets) apply_set(graph_.get(), *info_, set);
    restart();
}

void Debugged::make_runtime() {
    events_.reset();
    outputs_.reset();
    network_.reset();
    runtime_.reset();
    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_SIMULATED;
    options.seed = options_.seed;
    options.batch_packets = 1;  // so that nobody runs ahead while others stand
    options.log = log_hook;
    options.log_level = options_.log_level;
    options.print = print_hook;
    options.user_data = this;
    must([&](reflow_error** e) { return reflow_runtime_create(&options, Out(runtime_), e); },
         exit_failed);
}

void Debugged::restart() {
    make_runtime();
    must(
        [&](reflow_error** e) {
            return reflow_network_create(runtime_.get(), graph_.get(), Out(network_), e);
        },
        exit_invalid);
    inputs_.clear();
    for (const std::string& input : options_.inputs) {
        inputs_.push_back(parse_input(*info_, input, {}));
        find_inport(inputs_.back(), network_.get());
    }
    outputs_.emplace(console_, false);
    outputs_->open(network_.get(), info_->outports());
    reflow_event_options events{};
    events.struct_size = sizeof events;
    events.capacity = 1 << 20;
    events.kinds = shown_events;
    must(
        [&](reflow_error** e) {
            return reflow_network_subscribe(network_.get(), &events, Out(events_), e);
        },
        exit_failed);
    started_ = ended_ = draining_ = stopped_ = false;
    finishing_ = firings_ = 0;
    stop_.reset();
    for (auto& [number, each] : breaks_) place(each);
}

// Everything rests: whoever begins steps or lets it go.
void Debugged::begin() {
    if (ended_) fail(exit_usage, "the network has ended", "restart begins anew");
    if (std::exchange(started_, true)) return;
    Error error;
    must(
        [&](reflow_error** e) {
            return reflow_network_pause(network_.get(), view_of(""), REFLOW_FOREVER, e);
        },
        exit_failed);
    const reflow_status status = reflow_network_start(network_.get(), Out(error));
    if (status != REFLOW_OK) started_ = false;
    check(status, error, exit_failed);
    for (Input& input : inputs_) {
        must(
            [&](reflow_error** e) {
                return reflow_network_send(network_.get(), input.inport, input.message.release(), 0,
                                           e);
            },
            exit_failed, "--input " + input.argument);
    }
}

// ---- going on

void Debugged::step(std::uint64_t firings) {
    begin();
    steps_ = true;
    stopped_ = false;
    stop_.reset();
    const int interrupts = interrupts::count();
    while (firings > 0 && !stopped_ && interrupts::count() == interrupts) {
        Error error;
        std::uint64_t fired = 0;
        reflow_status status =
            reflow_network_step(network_.get(), view_of(""), 1, REFLOW_FOREVER, &fired, Out(error));
        const bool runs = status == REFLOW_ERROR_INVALID_STATE;  // nothing is paused
        if (!runs) check(status, error, exit_failed);
        take_events();
        const bool moved = outputs_->pump();
        firings -= std::min(firings, fired);
        if (fired == 0 && !moved && !stopped_ && !drain(runs || !draining_)) break;
    }
    steps_ = false;
}

void Debugged::go() {
    begin();
    stopped_ = false;
    stop_.reset();
    const int interrupts = interrupts::count();
    if (finishing_ != 0) reflow_network_unbreak(network_.get(), {finishing_}, nullptr);
    finishing_ = 0;
    must([&](reflow_error** e) { return reflow_network_resume(network_.get(), view_of(""), e); },
         exit_failed);
    for (;;) {
        bool more = false;
        must([&](reflow_error** e) { return reflow_runtime_run(runtime_.get(), turns, &more, e); },
             exit_failed);
        bool moved = outputs_->pump();
        if (take_events()) break;
        if (interrupts::count() != interrupts) {
            console_.remark("interrupted");
            break;
        }
        if (!more && !moved && !drain(false)) return;
        if (stopped_) break;
    }
    // While it drains there is nothing to pause but by a breakpoint.
    static_cast<void>(reflow_network_pause(network_.get(), view_of(""), REFLOW_FOREVER, nullptr));
}

// The end comes in pieces: each node that has something to finish is asked for it when the one
// before is done. With `stops` a breakpoint for once stands before the next of them.
bool Debugged::drain(bool stops) {
    if (stops && finishing_ == 0) {
        reflow_break_options options{};
        options.struct_size = sizeof options;
        options.flags = REFLOW_BREAK_ONCE;
        reflow_breakpoint id{};
        must(
            [&](reflow_error** e) {
                return reflow_network_break(network_.get(), &options, &id, e);
            },
            exit_failed);
        finishing_ = id.id;
    }
    draining_ = true;
    Error error;
    const reflow_status status = reflow_network_drain(network_.get(), 0, Out(error));
    bool some = false;
    reflow_runtime_run(runtime_.get(), turns, &some, nullptr);
    const bool moved = outputs_->pump();
    take_events();
    if (stopped_) return true;
    if (status == REFLOW_OK) return end(), false;
    if (status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK || moved || some) {
        return true;
    }
    check(status, error, exit_failed);
    return false;
}

void Debugged::end() {
    ended_ = true;
    must([&](reflow_error** e) { return reflow_network_stop(network_.get(), REFLOW_FOREVER, e); },
         exit_failed);
    outputs_->pump();
    take_events();
    console_.write("the network has ended after " + grouped(firings_) + " firings\n");
}

// ---- events

bool Debugged::take_events() {
    for (;;) {
        EventBatch batch;
        if (reflow_subscription_poll(events_.get(), 256, 0, Out(batch), nullptr, nullptr) !=
            REFLOW_OK) {
            return stopped_;
        }
        for (std::size_t i = 0; i < reflow_event_batch_count(batch.get()); ++i) {
            take_event(batch.get(), i);
        }
    }
}

void Debugged::take_event(const reflow_event_batch* batch, std::size_t index) {
    reflow_event event{};
    event.struct_size = sizeof event;
    if (reflow_event_batch_get(batch, index, &event) != REFLOW_OK) return;
    if (shows_events_) {
        Buffer line;
        if (reflow_event_batch_json(batch, index, Out(line), nullptr) == REFLOW_OK) {
            console_.write(std::string(text_of(line)) + "\n");
        }
    }
    std::string text;
    switch (event.kind) {
        case REFLOW_EVENT_ACTOR_COMPLETED:
            firings_ += event.count;
            if (!steps_) return;
            append_safe(text, text_of(event.node));
            text += " fired";
            for (std::size_t i = 0; i < reflow_message_count(event.outputs); ++i) {
                text += i == 0 ? ": " : ", ";
                append_safe(text, key_at(event.outputs, i));
                text += " ";
                append_safe(text, cut(json_of(element(event.outputs, i)), 200));
            }
            break;
        case REFLOW_EVENT_ACTOR_FAILED:
            ++firings_;
            append_safe(text, text_of(event.node));
            text += " failed: ";
            append_safe(text, text_of(event.error));
            break;
        case REFLOW_EVENT_BREAKPOINT:
            return tell_stop(event);
        default:
            return;
    }
    console_.write(text + "\n");
}

void Debugged::tell_stop(const reflow_event& event) {
    if (event.breakpoint.id == finishing_) {
        finishing_ = 0;  // only so that all rest
        return;
    }
    stopped_ = true;
    Stop stop;
    stop.node = text_of(event.node);
    stop.port = text_of(event.port);
    stop.peer = text_of(event.peer);
    stop.peer_port = text_of(event.peer_port);
    stop.message = Message(reflow_message_ref(event.message));
    for (const auto& [number, each] : breaks_) {
        if (each.id != event.breakpoint.id) continue;
        stop.number = number;
        stop.delivery = !each.outport.empty();
    }
    std::string text = "breakpoint " + std::to_string(stop.number) + ": ";
    append_safe(text, stop.node);
    if (!stop.port.empty()) append_safe(text, "." + stop.port);
    if (!stop.peer.empty()) append_safe(text, " -> " + stop.peer + "." + stop.peer_port);
    if (!stop.message.none()) {
        text += ": ";
        append_safe(text, cut(json_of(stop.message.get()), 200));
    }
    console_.write(text + "\n");
    const auto found = breaks_.find(stop.number);
    if (found != breaks_.end() && found->second.once) breaks_.erase(found);
    stop_ = std::move(stop);
}

// ---- breakpoints

void Debugged::place(Break& wanted) {
    reflow_break_options options{};
    options.struct_size = sizeof options;
    options.flags = wanted.once ? REFLOW_BREAK_ONCE : 0;
    options.node = view_of(wanted.node);
    options.inport = view_of(wanted.inport);
    options.outport = view_of(wanted.outport);
    options.peer = view_of(wanted.peer);
    options.peer_port = view_of(wanted.peer_port);
    options.expression = view_of(wanted.expression);
    reflow_breakpoint id{};
    must([&](reflow_error** e) { return reflow_network_break(network_.get(), &options, &id, e); },
         exit_usage);
    wanted.id = id.id;
}

std::uint64_t Debugged::add(Break wanted) {
    place(wanted);
    wanted.number = ++last_break_;
    breaks_.emplace(wanted.number, std::move(wanted));
    return last_break_;
}

void Debugged::remove(std::uint64_t number) {
    const auto found = breaks_.find(number);
    if (found == breaks_.end()) fail(exit_usage, "no breakpoint " + std::to_string(number));
    reflow_network_unbreak(network_.get(), {found->second.id}, nullptr);
    breaks_.erase(found);
}

std::map<std::uint64_t, std::uint64_t> Debugged::hits() const {
    std::map<std::uint64_t, std::uint64_t> hits;
    Message list;
    must(
        [&](reflow_error** e) { return reflow_network_breakpoints(network_.get(), list.out(), e); },
        exit_failed);
    for (std::size_t i = 0; i < reflow_message_count(list.get()); ++i) {
        const reflow_message entry = element(list.get(), i);
        hits[static_cast<std::uint64_t>(integer_member(entry, "id"))] =
            static_cast<std::uint64_t>(integer_member(entry, "hits"));
    }
    return hits;
}

// ---- looking

std::vector<std::string> Debugged::nodes() const {
    std::vector<std::string> nodes;
    Message report;
    must([&](reflow_error** e) { return reflow_network_report(network_.get(), report.out(), e); },
         exit_failed);
    for (std::size_t i = 0; i < reflow_message_count(report.get()); ++i) {
        nodes.emplace_back(key_at(report.get(), i));
    }
    return nodes;
}

std::vector<std::string> Debugged::inports(std::string_view node) const {
    Message report, components;
    must([&](reflow_error** e) { return reflow_network_report(network_.get(), report.out(), e); },
         exit_failed);
    must(
        [&](reflow_error** e) {
            return reflow_runtime_components(runtime_.get(), components.out(), e);
        },
        exit_failed);
    const std::string_view wanted = text_member(member(report.get(), node), "component");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < reflow_message_count(components.get()); ++i) {
        const reflow_message component = element(components.get(), i);
        if (text_member(component, "id") != wanted) continue;
        const reflow_message ports = member(component, "inports");
        for (std::size_t k = 0; k < reflow_message_count(ports); ++k) {
            names.emplace_back(text_member(element(ports, k), "name"));
        }
    }
    return names;
}

std::vector<Message> Debugged::queue(std::string_view node, std::string_view port,
                                     std::size_t most) const {
    std::vector<reflow_message> raw(most);
    std::size_t count = 0;
    must(
        [&](reflow_error** e) {
            return reflow_network_peek(network_.get(), view_of(node), view_of(port), raw.data(),
                                       most, &count, e);
        },
        exit_usage);
    std::vector<Message> messages;
    for (std::size_t i = 0; i < count; ++i) messages.emplace_back(raw[i]);
    return messages;
}

// ---- hooks

void Debugged::log_hook(void* self, reflow_log_level, reflow_view subsystem, reflow_view node,
                        reflow_view text) {
    std::string line = "log: ";
    append_safe(line, text_of(node).empty() ? text_of(subsystem) : text_of(node));
    line += ": ";
    append_safe(line, text_of(text));
    static_cast<Debugged*>(self)->console_.note(line + "\n");
}

reflow_status Debugged::print_hook(void* self, reflow_view, reflow_view text) {
    Debugged& debugged = *static_cast<Debugged*>(self);
    std::string safe;
    append_safe(safe, text_of(text), true);
    return debugged.console_.write(debugged.console_.output_is_terminal() ? safe : text_of(text))
               ? REFLOW_OK
               : REFLOW_ERROR_IO;
}

}  // namespace cli
