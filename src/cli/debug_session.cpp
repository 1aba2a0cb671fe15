// The words of `reflow debug`: from the prompt, a pipe, a file or the command line.
// Neighbours: debug (the network). Thread: main.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "cli/debug.hpp"
#include "cli/files.hpp"
#include "cli/interrupts.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// Packets of an inport that are shown, and that are counted.
constexpr std::size_t shown_most = 10;
constexpr std::size_t counted_most = 1000;

constexpr std::string_view help =
    "step [N]                       let the next N firings end (1)\n"
    "next                           until the node that stands here is about to fire again\n"
    "continue                       until a breakpoint, Ctrl-C or the end\n"
    "break NODE[.PORT] [if EXPR]    stop before firings of a node, before a packet at an inport\n"
    "                               is taken, or before one from an outport is delivered\n"
    "break A.OUT -> B.IN [if EXPR]  stop before a packet goes over a connection\n"
    "tbreak ...                     the same, once\n"
    "delete [N]                     remove breakpoint N, or all\n"
    "info breakpoints|nodes|queues  what there is, what nodes have done, what waits\n"
    "print [NODE.PORT]              the packet at this breakpoint, or what waits at an inport\n"
    "where                          where it stands\n"
    "graph                          draw the graph\n"
    "events on|off                  show all events\n"
    "set seed N                     for the next restart\n"
    "restart                        begin anew, with the same breakpoints\n"
    "help, quit\n"
    "A word may be cut short: c, s 10, b sum.in if temp > 35, i q. An empty line repeats the "
    "last.\n";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Takes the first word off a text.
std::string_view first_word(std::string_view& text) {
    text = trimmed(text);
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view word = text.substr(0, end);
    text = trimmed(text.substr(end));
    return word;
}

std::uint64_t number_of(std::string_view text, std::string_view what) {
    std::uint64_t value = 0;
    bool fine = !text.empty() && text.size() < 20;
    for (const char digit : text) {
        fine = fine && digit >= '0' && digit <= '9';
        value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    if (!fine) fail(exit_usage, "'" + std::string(text) + "' is no " + std::string(what));
    return value;
}

class Session {
public:
    Session(RunOptions options, Console& console)
        : console_(console), debugged_(std::move(options), console) {}

    // False when it is to end.
    bool perform(std::string_view line);
    [[nodiscard]] bool failed() const { return failed_; }

private:
    using Act = void (Session::*)(std::string_view rest);
    struct Word {
        std::string_view name;
        Act act;
    };
    static const std::array<Word, 14> words;

    bool carry_out(std::string_view line);
    static const Word& find(std::string_view name);

    void step(std::string_view rest);
    void next(std::string_view rest);
    void go(std::string_view) { debugged_.go(); }
    void set_break(std::string_view rest) { add(rest, false); }
    void set_once(std::string_view rest) { add(rest, true); }
    void add(std::string_view rest, bool once);
    void remove(std::string_view rest);
    void info(std::string_view rest);
    void print(std::string_view rest);
    void where(std::string_view rest);
    void draw(std::string_view rest);
    void events(std::string_view rest);
    void set(std::string_view rest);
    void restart(std::string_view rest);
    void tell_help(std::string_view) { console_.write(help); }

    void info_breaks();
    void info_nodes();
    void info_queues();
    // Node and port of "outer/node.port"; the port may be missing.
    std::pair<std::string, std::string> place(std::string_view text);
    void show_message(std::string_view before, reflow_message message);

    Console& console_;
    Debugged debugged_;
    std::string last_;
    bool failed_ = false;
};

const std::array<Session::Word, 14> Session::words = {{
    {"break", &Session::set_break},
    {"continue", &Session::go},
    {"delete", &Session::remove},
    {"events", &Session::events},
    {"graph", &Session::draw},
    {"help", &Session::tell_help},
    {"info", &Session::info},
    {"next", &Session::next},
    {"print", &Session::print},
    {"restart", &Session::restart},
    {"set", &Session::set},
    {"step", &Session::step},
    {"tbreak", &Session::set_once},
    {"where", &Session::where},
}};

const Session::Word& Session::find(std::string_view name) {
    const Word* found = nullptr;
    std::vector<std::string_view> names;
    std::size_t count = 0;
    for (const Word& word : words) {
        names.push_back(word.name);
        if (word.name == name) return word;
        if (!word.name.starts_with(name)) continue;
        ++count;
        // "s" is what one types most.
        if (found == nullptr || word.name == "step") found = &word;
    }
    if (count == 1 || (name == "s" && count != 0)) return *found;
    if (count > 1) {
        fail(exit_usage, "'" + std::string(name) + "' may be several commands", "help lists them");
    }
    std::string hint = did_you_mean(name, names);
    fail(exit_usage, "no command '" + std::string(name) + "'",
         hint.empty() ? "help lists them" : hint);
}

bool Session::perform(std::string_view line) {
    line = trimmed(line);
    if (line.starts_with('#')) return true;
    if (line.empty()) line = last_;
    if (line.empty()) return true;
    const std::string kept(line);
    last_ = kept;
    try {
        return carry_out(kept);
    } catch (const Failure& failure) {
        failed_ = true;
        console_.flush();
        console_.error(failure.problem.text);
    }
    return true;
}

bool Session::carry_out(std::string_view line) {
    const std::string_view name = first_word(line);
    if (name == "quit" || name == "q" || name == "exit") return false;
    (this->*find(name).act)(line);
    return true;
}

// ---- going on

void Session::step(std::string_view rest) {
    debugged_.step(rest.empty() ? 1 : number_of(rest, "number of firings"));
}

void Session::next(std::string_view) {
    if (!debugged_.stop()) return debugged_.step(1);
    Break here;
    here.node = debugged_.stop()->node;
    here.text = here.node + " (next)";
    here.once = true;
    debugged_.step(1);
    if (debugged_.ended() || debugged_.stop()) return;
    debugged_.add(std::move(here));
    debugged_.go();
}

void Session::restart(std::string_view) {
    debugged_.restart();
    console_.write("ready, with seed " + std::to_string(debugged_.seed()) + "\n");
}

void Session::set(std::string_view rest) {
    if (first_word(rest) != "seed") fail(exit_usage, "only the seed can be set", "set seed N");
    debugged_.set_seed(number_of(rest, "seed"));
}

// ---- breakpoints

std::pair<std::string, std::string> Session::place(std::string_view text) {
    const std::vector<std::string> nodes = debugged_.nodes();
    const auto known = [&](std::string_view id) {
        return std::find(nodes.begin(), nodes.end(), id) != nodes.end();
    };
    if (known(text)) return {std::string(text), ""};
    for (std::size_t dot = text.rfind('.'); dot != std::string_view::npos && dot != 0;
         dot = text.rfind('.', dot - 1)) {
        if (!known(text.substr(0, dot))) continue;
        return {std::string(text.substr(0, dot)), std::string(text.substr(dot + 1))};
    }
    const std::string_view id = text.substr(0, text.find('.'));
    fail(exit_usage, "no node named '" + std::string(id) + "'",
         did_you_mean(id, std::vector<std::string_view>(nodes.begin(), nodes.end())));
}

void Session::add(std::string_view rest, bool once) {
    Break wanted;
    wanted.once = once;
    wanted.text = rest;
    const std::size_t condition = (" " + std::string(rest) + " ").find(" if ");
    if (condition != std::string::npos) {
        wanted.expression = trimmed(rest.substr(std::min(condition + 2, rest.size())));
        if (wanted.expression.empty()) fail(exit_usage, "nothing stands behind if");
        rest = trimmed(rest.substr(0, condition));
    }
    if (rest.empty()) fail(exit_usage, "where?", "break NODE, NODE.PORT or A.OUT -> B.IN");
    if (const std::size_t arrow = rest.find("->"); arrow != std::string_view::npos) {
        std::tie(wanted.node, wanted.outport) = place(trimmed(rest.substr(0, arrow)));
        std::tie(wanted.peer, wanted.peer_port) = place(trimmed(rest.substr(arrow + 2)));
        if (wanted.outport.empty() || wanted.peer_port.empty()) {
            fail(exit_usage, "a connection goes from a port to a port", "break A.OUT -> B.IN");
        }
    } else {
        std::string port;
        std::tie(wanted.node, port) = place(rest);
        const std::vector<std::string> inports = debugged_.inports(wanted.node);
        const bool in = std::find(inports.begin(), inports.end(), port) != inports.end();
        (in ? wanted.inport : wanted.outport) = port;
    }
    const std::string text = wanted.text;
    const std::uint64_t number = debugged_.add(std::move(wanted));
    console_.write("breakpoint " + std::to_string(number) + " at " + text + "\n");
}

void Session::remove(std::string_view rest) {
    if (!rest.empty()) return debugged_.remove(number_of(rest, "number of a breakpoint"));
    while (!debugged_.breaks().empty()) debugged_.remove(debugged_.breaks().begin()->first);
}

// ---- looking

void Session::show_message(std::string_view before, reflow_message message) {
    Buffer buffer;
    must(
        [&](reflow_error** e) {
            return reflow_message_to_json(message, REFLOW_JSON_PLAIN, Out(buffer), e);
        },
        exit_failed);
    std::string line(before);
    append_safe(line, text_of(buffer));
    console_.write(line + "\n");
}

void Session::info(std::string_view rest) {
    const std::string_view what = first_word(rest);
    if (what.empty()) fail(exit_usage, "info breakpoints, nodes or queues?");
    if (std::string_view("breakpoints").starts_with(what)) return info_breaks();
    if (std::string_view("nodes").starts_with(what)) return info_nodes();
    if (std::string_view("queues").starts_with(what)) return info_queues();
    fail(exit_usage, "nothing is known about '" + std::string(what) + "'",
         did_you_mean(what, {"breakpoints", "nodes", "queues"}));
}

void Session::info_breaks() {
    if (debugged_.breaks().empty()) console_.write("no breakpoints\n");
    auto hits = debugged_.hits();
    for (const auto& [number, each] : debugged_.breaks()) {
        std::string line = std::to_string(number) + "  ";
        append_safe(line, each.text);
        line += each.once ? "  (once)" : "";
        console_.write(line + "  met " + grouped(hits[each.id]) + " times\n");
    }
}

void Session::info_nodes() {
    Message report;
    must(
        [&](reflow_error** e) {
            return reflow_network_report(debugged_.network(), report.out(), e);
        },
        exit_failed);
    std::size_t width = 4;
    for (std::size_t i = 0; i < reflow_message_count(report.get()); ++i) {
        width = std::max(width, columns(key_at(report.get(), i)));
    }
    constexpr std::array<std::string_view, 5> keys = {"fired", "received", "sent", "failed",
                                                      "waiting"};
    std::string text = "node" + std::string(width - 4, ' ');
    for (const std::string_view key : keys) {
        text += std::string(12 - key.size(), ' ') + std::string(key);
    }
    text += "  component\n";
    for (std::size_t i = 0; i < reflow_message_count(report.get()); ++i) {
        const std::string_view node = key_at(report.get(), i);
        append_safe(text, node);
        text += std::string(width - std::min(width, columns(node)), ' ');
        for (const std::string_view key : keys) {
            const std::string number =
                grouped(static_cast<std::uint64_t>(integer_member(element(report.get(), i), key)));
            text += std::string(12 - std::min<std::size_t>(number.size(), 11), ' ') + number;
        }
        text += "  ";
        append_safe(text, text_member(element(report.get(), i), "component"));
        text += '\n';
    }
    console_.write(text);
}

void Session::info_queues() {
    bool some = false;
    for (const std::string& node : debugged_.nodes()) {
        for (const std::string& port : debugged_.inports(node)) {
            const std::size_t count = debugged_.queue(node, port, counted_most).size();
            if (count == 0) continue;
            some = true;
            std::string line;
            append_safe(line, node + "." + port);
            line += ": " + grouped(count) + (count == counted_most ? " or more" : "");
            console_.write(line + (count == 1 ? " packet waits\n" : " packets wait\n"));
        }
    }
    if (!some) console_.write("nothing waits\n");
}

void Session::print(std::string_view rest) {
    if (rest.empty()) {
        if (!debugged_.stop()) fail(exit_usage, "it does not stand at a breakpoint");
        if (debugged_.stop()->message.none()) {
            console_.write("no packet\n");
            return;
        }
        return show_message("", debugged_.stop()->message.get());
    }
    const auto [node, port] = place(rest);
    std::vector<std::string> ports;
    if (port.empty()) {
        ports = debugged_.inports(node);
    } else {
        ports.push_back(port);
    }
    for (const std::string& each : ports) {
        const std::vector<Message> queue = debugged_.queue(node, each, counted_most);
        if (queue.empty()) console_.write(node + "." + each + ": empty\n");
        for (std::size_t i = 0; i < std::min(queue.size(), shown_most); ++i) {
            show_message(node + "." + each + " " + std::to_string(i + 1) + ": ", queue[i].get());
        }
        if (queue.size() > shown_most) {
            console_.write("... and " + grouped(queue.size() - shown_most) + " more\n");
        }
    }
}

void Session::where(std::string_view) {
    std::string text;
    if (debugged_.ended()) {
        text = "the network has ended";
    } else if (!debugged_.stop()) {
        text = debugged_.firings() == 0 ? "at the start" : "between two firings";
    } else {
        const Stop& stop = *debugged_.stop();
        text = stop.delivery ? "before a delivery from " : "before a firing of ";
        append_safe(text, stop.node);
        if (!stop.port.empty()) append_safe(text, "." + stop.port);
        if (!stop.peer.empty()) append_safe(text, " to " + stop.peer + "." + stop.peer_port);
        if (stop.number != 0) text += ", breakpoint " + std::to_string(stop.number);
    }
    console_.write(text + "; " + grouped(debugged_.firings()) + " firings, seed " +
                   std::to_string(debugged_.seed()) + "\n");
}

void Session::draw(std::string_view) {
    Buffer picture;
    must(
        [&](reflow_error** e) {
            return reflow_graph_render(debugged_.graph(), REFLOW_PICTURE_TEXT, nullptr,
                                       Out(picture), e);
        },
        exit_failed);
    console_.write(text_of(picture));
}

void Session::events(std::string_view rest) {
    if (rest != "on" && rest != "off") fail(exit_usage, "events on or events off?");
    debugged_.show_events(rest == "on");
}

// ---- where the words come from

int talk(Session& session, Console& console) {
    const bool asks = isatty(STDIN_FILENO) != 0 && console.output_is_terminal();
    std::string line;
    for (;;) {
        if (asks) console.write("(reflow) ");
        console.flush();
        interrupts::forget();
        if (!std::getline(std::cin, line)) break;
        if (!session.perform(line)) return exit_ok;
    }
    if (asks) console.write("\n");
    return exit_ok;
}

}  // namespace

int debug_graph(const Arguments& arguments, Console& console) {
    RunOptions options = run_options(arguments, console);
    interrupts::install({});
    interrupts::defer();
    Session session(std::move(options), console);
    bool scripted = false;
    bool going = true;
    for (const std::string& command : arguments.all("command")) {
        scripted = true;
        going = going && session.perform(command);
    }
    if (const auto file = arguments.get("file")) {
        scripted = true;
        const std::string text = read_text(*file, exit_usage);
        for (std::size_t at = 0; going && at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            const std::string_view line = std::string_view(text).substr(at, end - at);
            if (!trimmed(line).empty()) going = session.perform(line);
            at = end + 1;
        }
    }
    if (!scripted) {
        const bool asks = isatty(STDIN_FILENO) != 0;
        if (asks) console.write("help lists the commands; nothing has run yet\n");
        const int code = talk(session, console);
        return asks ? code : session.failed() ? exit_failed : code;
    }
    return session.failed() ? exit_failed : exit_ok;
}

}  // namespace cli
