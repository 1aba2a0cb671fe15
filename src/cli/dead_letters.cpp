// Dead letters in files. In a JSON line the messages of packets are tagged JSON, which keeps every
// kind; the rest is plain.
// Thread: main.
#include "cli/dead_letters.hpp"

#include "cli/files.hpp"
#include "cli/problem.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::string_view packed_ending = "msgpack";

std::string json_of(reflow_message message, reflow_json_style style) {
    Buffer buffer;
    must(
        [&](reflow_error** e) { return reflow_message_to_json(message, style, Out(buffer), e); },
        exit_failed);
    return std::string(text_of(buffer));
}

void append_members(std::string& to, reflow_message object, std::string_view deeper);

// Packets with their messages tagged.
void append_packets(std::string& to, reflow_message packets) {
    to += '[';
    for (std::size_t i = 0; i < reflow_message_count(packets); ++i) {
        if (i != 0) to += ',';
        append_members(to, element(packets, i), "message");
    }
    to += ']';
}

void append_members(std::string& to, reflow_message object, std::string_view deeper) {
    to += '{';
    for (std::size_t i = 0; i < reflow_message_count(object); ++i) {
        if (i != 0) to += ',';
        const std::string_view key = key_at(object, i);
        append_json(to, key);
        to += ':';
        if (key == "packets" && deeper == key) {
            append_packets(to, element(object, i));
        } else {
            to +=
                json_of(element(object, i), key == deeper ? REFLOW_JSON_TAGGED : REFLOW_JSON_PLAIN);
        }
    }
    to += '}';
}

using ObjectBuilder = Handle<reflow_object_builder, reflow_object_builder_destroy>;
using ArrayBuilder = Handle<reflow_array_builder, reflow_array_builder_destroy>;

void set(ObjectBuilder& to, std::string_view key, Message value) {
    must(
        [&](reflow_error** e) {
            return reflow_object_builder_set(to.get(), view_of(key), value.release(), e);
        },
        exit_usage);
}

// A copy of an object in which change(key, value) has replaced what it wanted to.
template <typename Change>
Message changed(reflow_message object, Change change) {
    ObjectBuilder made;
    must(
        [&](reflow_error** e) {
            return reflow_object_builder_create(reflow_message_count(object), Out(made), e);
        },
        exit_failed);
    for (std::size_t i = 0; i < reflow_message_count(object); ++i) {
        const std::string_view key = key_at(object, i);
        Message value = change(key, element(object, i));
        if (value.none()) value = Message(reflow_message_ref(element(object, i)));
        set(made, key, std::move(value));
    }
    Message result;
    must(
        [&](reflow_error** e) {
            return reflow_object_builder_finish(made.release(), result.out(), e);
        },
        exit_failed);
    return result;
}

Message tagged(reflow_message value) {
    Message message;
    const std::string text = json_of(value, REFLOW_JSON_PLAIN);
    must(
        [&](reflow_error** e) {
            return reflow_message_from_tagged_json(view_of(text), nullptr, message.out(), e);
        },
        exit_usage);
    return message;
}

Message packets_from(reflow_message packets) {
    ArrayBuilder list;
    must(
        [&](reflow_error** e) {
            return reflow_array_builder_create(reflow_message_count(packets), Out(list), e);
        },
        exit_failed);
    for (std::size_t i = 0; i < reflow_message_count(packets); ++i) {
        Message one = changed(element(packets, i), [](std::string_view key, reflow_message value) {
            return key == "message" ? tagged(value) : Message();
        });
        must(
            [&](reflow_error** e) {
                return reflow_array_builder_append(list.get(), one.release(), e);
            },
            exit_failed);
    }
    Message result;
    must(
        [&](reflow_error** e) {
            return reflow_array_builder_finish(list.release(), result.out(), e);
        },
        exit_failed);
    return result;
}

bool is_letter(reflow_message message) {
    return !text_member(message, "node").empty() &&
           reflow_message_kind(member(message, "packets")) == REFLOW_KIND_ARRAY;
}

Message letter_from_line(std::string_view line, const std::string& place) {
    Message plain;
    must(
        [&](reflow_error** e) {
            return reflow_message_from_json(view_of(line), nullptr, plain.out(), e);
        },
        exit_usage, place);
    if (!is_letter(plain.get())) {
        fail(exit_usage, place + ": this is no dead letter: an object with 'node' and 'packets'");
    }
    try {
        return changed(plain.get(), [](std::string_view key, reflow_message value) {
            return key == "packets" ? packets_from(value) : Message();
        });
    } catch (Failure& failure) {
        failure.problem.text = place + ": " + failure.problem.text;
        throw;
    }
}

std::vector<Message> packed_letters(const std::string& path, const std::string& content) {
    Message list;
    must(
        [&](reflow_error** e) {
            return reflow_message_from_msgpack(content.data(), content.size(), nullptr, list.out(),
                                               e);
        },
        exit_usage, path);
    std::vector<Message> letters;
    for (std::size_t i = 0; i < reflow_message_count(list.get()); ++i) {
        const reflow_message one = element(list.get(), i);
        if (!is_letter(one)) {
            fail(exit_usage, path + ": element " + std::to_string(i + 1) + " is no dead letter");
        }
        letters.emplace_back(reflow_message_ref(one));
    }
    return letters;
}

}  // namespace

std::vector<Message> read_letters(const std::string& path) {
    const std::string content = read_text(path, exit_usage);
    if (ending(path) == packed_ending) return packed_letters(path, content);
    std::vector<Message> letters;
    std::string_view rest = content;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = rest.find('\n');
        const std::string_view line = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        letters.push_back(letter_from_line(line, path + ":" + std::to_string(number)));
    }
    return letters;
}

void write_letters(const std::string& path, const std::vector<Message>& letters) {
    if (ending(path) != packed_ending) {
        std::string text;
        for (const Message& letter : letters) {
            append_members(text, letter.get(), "packets");
            text += '\n';
        }
        return write_text(path, text);
    }
    ArrayBuilder list;
    must(
        [&](reflow_error** e) { return reflow_array_builder_create(letters.size(), Out(list), e); },
        exit_failed);
    for (const Message& letter : letters) {
        must(
            [&](reflow_error** e) {
                return reflow_array_builder_append(list.get(), reflow_message_ref(letter.get()), e);
            },
            exit_failed);
    }
    Message all;
    must(
        [&](reflow_error** e) { return reflow_array_builder_finish(list.release(), all.out(), e); },
        exit_failed);
    Buffer buffer;
    must([&](reflow_error** e) { return reflow_message_to_msgpack(all.get(), Out(buffer), e); },
            exit_failed);
    write_text(path, text_of(buffer));
}

std::vector<Message> letters_of(reflow_network* network) {
    constexpr std::size_t at_once = 1000;
    std::vector<Message> letters;
    for (std::uint64_t after = 0;;) {
        Message list;
        must(
            [&](reflow_error** e) {
                return reflow_network_list_dead_letters(network, view_of(""), after, at_once,
                                                        list.out(), e);
            },
            exit_failed);
        const std::size_t count = reflow_message_count(list.get());
        for (std::size_t i = 0; i < count; ++i) {
            letters.emplace_back(reflow_message_ref(element(list.get(), i)));
        }
        if (count < at_once) return letters;
        after = static_cast<std::uint64_t>(integer_member(letters.back().get(), "id"));
    }
}

}  // namespace cli
