// Building the documents of the codec rows. See documents.hpp.
#include "documents.hpp"

#include <cinttypes>
#include <cstdio>
#include <random>

namespace bench {
namespace {

// Writes one document in both formats at once.
class Writer {
public:
    void array(std::size_t count) { open(count, '[', 0x90, 0xdc); }
    void object(std::size_t count) { open(count, '{', 0x80, 0xde); }
    void end_array() { close(']'); }
    void end_object() { close('}'); }
    void key(std::string_view name) {
        text(name);
        made_.json += ':';
        fresh_ = true;
    }
    void text(std::string_view value) {
        comma();
        made_.json += '"';
        for (char byte : value) escape(byte);
        made_.json += '"';
        if (value.size() < 32) {
            byte(0xa0 + value.size());
        } else if (value.size() < 256) {
            byte(0xd9);
            byte(value.size());
        } else {
            byte(0xda);
            big_endian(value.size(), 2);
        }
        made_.msgpack += value;
        sum_.text(value);
    }
    void integer(std::uint32_t value) {
        comma();
        made_.json += std::to_string(value);
        if (value < 128) {
            byte(value);
        } else if (value < 65536) {
            byte(0xcd);
            big_endian(value, 2);
        } else {
            byte(0xce);
            big_endian(value, 4);
        }
        sum_.number(value);
    }
    void real(double value) {
        comma();
        char text[40];
        std::snprintf(text, sizeof text, "%.17g", value);
        made_.json += text;
        byte(0xcb);
        big_endian(std::bit_cast<std::uint64_t>(value), 8);
        sum_.number(value);
    }
    void boolean(bool value) {
        comma();
        made_.json += value ? "true" : "false";
        byte(value ? 0xc3 : 0xc2);
        sum_.boolean(value);
    }
    Document take() {
        made_.checksum = sum_.value();
        return std::move(made_);
    }

private:
    void comma() {
        if (!fresh_) made_.json += ',';
        fresh_ = false;
    }
    void open(std::size_t count, char bracket, std::size_t small, std::size_t large) {
        comma();
        made_.json += bracket;
        fresh_ = true;
        if (count < 16) {
            byte(small + count);
        } else if (count < 65536) {
            byte(large);
            big_endian(count, 2);
        } else {
            byte(large + 1);
            big_endian(count, 4);
        }
        if (bracket == '[') {
            sum_.array(count);
        } else {
            sum_.object(count);
        }
    }
    void close(char bracket) {
        made_.json += bracket;
        fresh_ = false;
    }
    void escape(char byte) {
        if (byte == '"' || byte == '\\') made_.json += '\\';
        if (byte == '\n') {
            made_.json += "\\n";
        } else {
            made_.json += byte;
        }
    }
    void byte(std::size_t value) { made_.msgpack += static_cast<char>(value); }
    void big_endian(std::uint64_t value, unsigned size) {
        while (size-- > 0) byte((value >> (8 * size)) & 0xff);
    }

    Document made_;
    Checksum sum_;
    bool fresh_ = true;
};

using Random = std::mt19937_64;

std::uint32_t below(Random& random, std::uint32_t limit) {
    return static_cast<std::uint32_t>(random() % limit);
}

// Orders of a shop: short keys that repeat, texts, integers, prices.
void records(Writer& to, Random& random) {
    static const char* const cities[] = {"Berlin", "Lisboa", "Kraków", "New York", "東京"};
    to.array(4000);
    for (int i = 0; i < 4000; ++i) {
        to.object(8);
        to.key("id");
        to.integer(below(random, 1'000'000'000));
        to.key("customer");
        to.text("customer-" + std::to_string(below(random, 100'000)));
        to.key("city");
        to.text(cities[below(random, 5)]);
        to.key("price");
        to.real(below(random, 100'000) / 100.0);
        to.key("paid");
        to.boolean(below(random, 2) != 0);
        to.key("note");
        to.text("a line of text that is about as long as notes are");
        to.key("tags");
        to.array(2);
        to.text("new");
        to.text("gift");
        to.end_array();
        to.key("size");
        to.object(2);
        to.key("w");
        to.integer(below(random, 500));
        to.key("h");
        to.integer(below(random, 500));
        to.end_object();
        to.end_object();
    }
    to.end_array();
}

void end_point(Writer& to, const char* name, int node, const char* port) {
    to.key(name);
    to.object(2);
    to.key("nodeId");
    to.text("node_" + std::to_string(node));
    to.key("portId");
    to.text(port);
    to.end_object();
}

// A graph as the engine reads it.
void graph(Writer& to, Random& random) {
    constexpr int nodes = 10'000;
    to.object(2);
    to.key("processes");
    to.object(nodes);
    for (int i = 0; i < nodes; ++i) {
        std::string id = "node_" + std::to_string(i);
        to.key(id);
        to.object(3);
        to.key("id");
        to.text(id);
        to.key("component");
        to.text("Transform");
        to.key("metadata");
        to.object(2);
        to.key("x");
        to.integer(below(random, 4000));
        to.key("y");
        to.integer(below(random, 4000));
        to.end_object();
        to.end_object();
    }
    to.end_object();
    to.key("connections");
    to.array(nodes - 1);
    for (int i = 0; i < nodes - 1; ++i) {
        to.object(3);
        end_point(to, "from", i, "out");
        end_point(to, "to", i + 1, "in");
        to.key("metadata");
        to.object(0);
        to.end_object();
        to.end_object();
    }
    to.end_array();
    to.end_object();
}

// No whole numbers among them, which JSON would turn into integers.
void floats(Writer& to, Random& random) {
    to.array(100'000);
    for (int i = 0; i < 100'000; ++i) {
        to.real(std::generate_canonical<double, 53>(random) * 200 - 100);
    }
    to.end_array();
}

void integers(Writer& to, Random& random) {
    to.array(200'000);
    for (int i = 0; i < 200'000; ++i) to.integer(below(random, 10'000'000));
    to.end_array();
}

void prose(Writer& to, Random&) {
    std::string page;
    for (int line = 0; line < 40; ++line) {
        page +=
            "It was a bright cold day in the engine room, and the \"clocks\" were striking the "
            "hour of été.\n";
    }
    to.object(1);
    to.key("chapters");
    to.array(400);
    for (int i = 0; i < 400; ++i) to.text(page);
    to.end_array();
    to.end_object();
}

struct Entry {
    const char* name;
    void (*build)(Writer& to, Random& random);
};

constexpr Entry ENTRIES[DOCUMENTS] = {{"records", records},
                                      {"graph", graph},
                                      {"floats", floats},
                                      {"integers", integers},
                                      {"prose", prose}};

}  // namespace

const char* document_name(std::int64_t index) { return ENTRIES[index].name; }

const Document& document(std::int64_t index) {
    static Document built[DOCUMENTS];
    Document& made = built[index];
    if (made.json.empty()) {
        Writer writer;
        Random random(static_cast<std::uint64_t>(index) + 1);
        ENTRIES[index].build(writer, random);
        made = writer.take();
    }
    return made;
}

}  // namespace bench
