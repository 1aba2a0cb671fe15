// reflow dlq list, show and drop: dead letters in a file. dlq replay is a run (run.cpp).
// Neighbours: dead_letters (the file). Thread: main.
#include <algorithm>
#include <charconv>
#include <ctime>

#include "cli/dead_letters.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// "2026-11-28T20:15:00.123Z".
std::string time_of(reflow_message letter) {
    const std::int64_t ms = integer_member(letter, "time_ms");
    const std::time_t seconds = static_cast<std::time_t>(ms / 1000 - (ms % 1000 < 0 ? 1 : 0));
    std::tm parts{};
    char text[40];
    if (gmtime_r(&seconds, &parts) == nullptr) return std::to_string(ms);
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    const std::string rest = std::to_string((ms % 1000 + 1000) % 1000 + 1000).substr(1);
    return std::string(text, size) + "." + rest + "Z";
}

std::string json_of(reflow_message message, reflow_json_style style) {
    Buffer buffer;
    must(
        [&](reflow_error** e) { return reflow_message_to_json(message, style, Out(buffer), e); },
        exit_failed);
    return std::string(text_of(buffer));
}

// The number of a letter in a file of so many.
std::size_t number_of(const std::string& text, std::size_t count) {
    std::size_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, status] = std::from_chars(text.data(), end, value);
    if (status != std::errc() || stop != end || value == 0 || value > count) {
        fail(exit_usage, count == 0 ? "the file has no letters"
                                    : "'" + text + "' is not the number of a letter, 1 to " +
                                          std::to_string(count));
    }
    return value;
}

void append_packets(std::string& to, reflow_message letter) {
    const reflow_message packets = member(letter, "packets");
    for (std::size_t i = 0; i < reflow_message_count(packets); ++i) {
        const reflow_message packet = element(packets, i);
        to += "  packet     ";
        append_safe(to, text_member(packet, "port"));
        if (reflow_message_kind(member(packet, "index")) == REFLOW_KIND_INTEGER) {
            to += "[" + std::to_string(integer_member(packet, "index")) + "]";
        }
        to += ": ";
        append_safe(to, json_of(member(packet, "message"), REFLOW_JSON_PLAIN));
        to += '\n';
    }
}

}  // namespace

int list_letters(const Arguments& arguments, Console& console) {
    const std::vector<Message> letters = read_letters(arguments.get("FILE").value_or("-"));
    std::string text;
    if (arguments.has("json")) {
        text = "[";
        for (const Message& letter : letters) {
            if (text.size() > 1) text += ',';
            text += json_of(letter.get(), REFLOW_JSON_PLAIN);
        }
        console.write(text + "]\n");
        return exit_ok;
    }
    for (std::size_t i = 0; i < letters.size(); ++i) {
        const reflow_message letter = letters[i].get();
        text += std::to_string(i + 1) + "  " + time_of(letter) + "  ";
        append_safe(text, text_member(letter, "node"));
        text += "  ";
        append_safe(text, text_member(letter, "message"));
        text += '\n';
    }
    console.write(text.empty() ? "no dead letters\n" : text);
    return exit_ok;
}

int show_letter(const Arguments& arguments, Console& console) {
    const std::vector<Message> letters = read_letters(arguments.get("FILE").value_or("-"));
    const std::size_t number = number_of(arguments.get("N").value_or(""), letters.size());
    const reflow_message letter = letters[number - 1].get();
    if (arguments.has("json")) {
        console.write(json_of(letter, REFLOW_JSON_PLAIN) + "\n");
        return exit_ok;
    }
    std::string text = "letter " + std::to_string(number) + " of " +
                       std::to_string(letters.size()) + "\n  time       " + time_of(letter) + "\n";
    for (const std::string_view key : {"node", "component", "status", "message", "hint"}) {
        const std::string_view value = text_member(letter, key);
        if (value.empty()) continue;
        text += "  " + std::string(key) + std::string(11 - key.size(), ' ');
        append_safe(text, value);
        text += '\n';
    }
    text += "  attempts   " + std::to_string(integer_member(letter, "attempts")) + "\n";
    append_packets(text, letter);
    if (const std::string_view trace = text_member(letter, "trace"); !trace.empty()) {
        text += "trace\n";
        append_safe(text, trace, true);
        text += '\n';
    }
    console.write(text);
    return exit_ok;
}

int drop_letters(const Arguments& arguments, Console& console) {
    const std::string path = arguments.get("FILE").value_or("");
    std::vector<Message> letters = read_letters(path);
    const std::size_t before = letters.size();
    const std::vector<std::string>& numbers = arguments.all("N");
    if (arguments.has("all") != numbers.empty()) {
        fail(exit_usage, "reflow dlq drop wants numbers of letters, or --all",
             "see reflow dlq drop --help");
    }
    std::vector<bool> goes(before, arguments.has("all"));
    for (const std::string& number : numbers) goes[number_of(number, before) - 1] = true;
    std::vector<Message> kept;
    for (std::size_t i = 0; i < before; ++i) {
        if (!goes[i]) kept.push_back(std::move(letters[i]));
    }
    write_letters(path, kept);
    const std::size_t dropped = before - kept.size();
    if (arguments.has("json")) {
        console.write("{\"dropped\":" + std::to_string(dropped) +
                      ",\"left\":" + std::to_string(kept.size()) + "}\n");
    } else {
        console.write(std::to_string(dropped) + " dropped, " + std::to_string(kept.size()) +
                      " left\n");
    }
    return exit_ok;
}

}  // namespace cli
