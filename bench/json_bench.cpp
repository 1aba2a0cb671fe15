// JSON in and out: our codec against cJSON, on the same documents in the same minute.
// Prints megabytes per second of each and the ratio; every result is checked.
// Usage: json_bench [seconds per measurement]
#include <cjson/cJSON.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>

#include "codec/json.hpp"

namespace {

using reflow::Message;
using reflow::Result;
using reflow::codec::read_json;
using reflow::codec::write_json;

double seconds_of(const std::function<void()>& work) {
    auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The best of several rounds, in megabytes per second.
double speed(std::size_t bytes, double budget, const std::function<void()>& work) {
    double best = 1e9;
    double spent = 0;
    for (int round = 0; round < 3 || spent < budget; ++round) {
        double took = seconds_of(work);
        spent += took;
        if (took < best) best = took;
    }
    return static_cast<double>(bytes) / best / 1e6;
}

struct Document {
    const char* name;
    std::string text;
};

// Orders of a shop: short keys that repeat, texts, integers, prices.
std::string records(std::mt19937_64& random) {
    static const char* cities[] = {"Berlin", "Lisboa", "Kraków", "New York", "東京"};
    std::string text = "[";
    for (int i = 0; i < 4000; ++i) {
        auto number = [&](std::uint64_t below) { return std::to_string(random() % below); };
        if (i != 0) text += ",";
        text += "\n  {\"id\": " + number(1'000'000'000) + ", \"customer\": \"customer-" +
                number(100'000) + "\", \"city\": \"" + cities[random() % 5] +
                "\", \"price\": " + number(1000) + "." + number(90) + "5, \"paid\": " +
                (random() % 2 != 0 ? "true" : "false") +
                ", \"note\": \"a line of text that is about as long as notes are\", "
                "\"tags\": [\"new\", \"gift\"], \"size\": {\"w\": " +
                number(500) + ", \"h\": " + number(500) + "}}";
    }
    return text + "\n]";
}

// A graph as the engine reads it.
std::string graph(std::mt19937_64& random) {
    std::string text = "{\"properties\":{\"name\":\"bench\"},\"processes\":{";
    for (int i = 0; i < 10000; ++i) {
        if (i != 0) text += ",";
        text += "\"node_" + std::to_string(i) + "\":{\"id\":\"node_" + std::to_string(i) +
                "\",\"component\":\"Transform\",\"metadata\":{\"x\":" +
                std::to_string(random() % 4000) + ",\"y\":" + std::to_string(random() % 4000) +
                "}}";
    }
    text += "},\"connections\":[";
    for (int i = 0; i < 9999; ++i) {
        if (i != 0) text += ",";
        text += "{\"from\":{\"nodeId\":\"node_" + std::to_string(i) +
                "\",\"portId\":\"out\"},\"to\":{\"nodeId\":\"node_" + std::to_string(i + 1) +
                "\",\"portId\":\"in\"},\"metadata\":{}}";
    }
    return text + "]}";
}

std::string numbers(std::mt19937_64& random) {
    std::string text = "[";
    char buffer[40];
    for (int i = 0; i < 100'000; ++i) {
        double value = std::generate_canonical<double, 53>(random) * 200 - 100;
        std::snprintf(buffer, sizeof buffer, "%s%.17g", i == 0 ? "" : ",", value);
        text += buffer;
    }
    return text + "]";
}

std::string integers(std::mt19937_64& random) {
    std::string text = "[";
    for (int i = 0; i < 200'000; ++i) {
        if (i != 0) text += ",";
        text += std::to_string(random() % 10'000'000);
    }
    return text + "]";
}

std::string prose() {
    std::string text = "{\"chapters\":[";
    for (int i = 0; i < 400; ++i) {
        if (i != 0) text += ",";
        text += "\"";
        for (int line = 0; line < 40; ++line) {
            text += "It was a bright cold day in the engine room, and the \\\"clocks\\\" were "
                    "striking the hour of \u00e9t\u00e9.\\n";
        }
        text += "\"";
    }
    return text + "]}";
}

[[noreturn]] void give_up(const char* document, const char* what) {
    std::fprintf(stderr, "%s: %s\n", document, what);
    std::exit(1);
}

// Both must read the same document: ours, written and read by cJSON, is what cJSON read itself.
void check(const Document& document) {
    Result<Message> ours = read_json(document.text);
    if (!ours.ok()) give_up(document.name, ours.error().describe().c_str());
    reflow::String written;
    if (!write_json(written, ours.value()).ok()) give_up(document.name, "not written");
    Result<Message> again = read_json(written);
    if (!again.ok() || !equal(again.value(), ours.value())) {
        give_up(document.name, "does not read back");
    }
    cJSON* theirs = cJSON_ParseWithLength(document.text.data(), document.text.size());
    cJSON* of_ours = cJSON_ParseWithLength(written.data(), written.size());
    if (theirs == nullptr || cJSON_Compare(theirs, of_ours, 1) == 0) {
        give_up(document.name, "cJSON reads something else");
    }
    cJSON_Delete(theirs);
    cJSON_Delete(of_ours);
}

void run(const Document& document, double budget) {
    check(document);
    const std::string& text = document.text;
    double read_ours = speed(text.size(), budget, [&] {
        if (!read_json(text).ok()) std::abort();
    });
    double read_theirs = speed(text.size(), budget, [&] {
        cJSON_Delete(cJSON_ParseWithLength(text.data(), text.size()));
    });
    Message message = read_json(text).take();
    cJSON* tree = cJSON_ParseWithLength(text.data(), text.size());
    std::size_t written = 0;
    double write_ours = speed(1, budget, [&] {
        reflow::String to;
        if (!write_json(to, message).ok()) std::abort();
        written = to.size();
    });
    std::size_t written_theirs = 0;
    double write_theirs = speed(1, budget, [&] {
        char* to = cJSON_PrintUnformatted(tree);
        written_theirs = std::char_traits<char>::length(to);
        cJSON_free(to);
    });
    cJSON_Delete(tree);
    write_ours *= static_cast<double>(written);
    write_theirs *= static_cast<double>(written_theirs);
    std::printf("%-9s %8.0f %8.0f %7.1f   %8.0f %8.0f %7.1f\n", document.name, read_ours,
                read_theirs, read_ours / read_theirs, write_ours, write_theirs,
                write_ours / write_theirs);
}

}  // namespace

int main(int argc, char** argv) {
    double budget = argc > 1 ? std::atof(argv[1]) : 0.5;
    std::mt19937_64 random(1);
    Document documents[] = {{"records", records(random)},
                            {"graph", graph(random)},
                            {"floats", numbers(random)},
                            {"integers", integers(random)},
                            {"prose", prose()}};
    std::printf("MB/s      read: ours    cJSON   ratio  write: ours    cJSON   ratio\n");
    for (const Document& document : documents) run(document, budget);
    return 0;
}
