// The tables of groups and rows. Budgets are ratios wherever something runs beside; the reasons are
// in docs/benchmarks.md.
#include "rows.hpp"

#include "codec/documents.hpp"
#include "contender.hpp"

namespace bench {
namespace {

// A hop may take 15 ns where a bare loop takes 8.5, and 4 where calls through pointers take 2.8.
constexpr double HOP_OF_BARE = 8.5 / 15;
constexpr double BATCH_OF_CALLS = 2.8 / 4;
// 300 ns through ten actors where the bare engine takes 175.
constexpr double LATENCY_OF_BARE = 300.0 / 175;
constexpr std::int64_t LINK_BYTES = 100 * 1024;
constexpr std::int64_t FRAME_BYTES = 64 * 1024;
constexpr std::int64_t SMALL_FRAME_BYTES = 64;

Group group(std::string shape, std::int64_t size, unsigned workers, Law law, std::int64_t quick_n,
            double operations) {
    Group made;
    made.id = shape + "-" + std::to_string(size) + (workers > 1 ? "-2w" : "");
    made.shape = std::move(shape);
    made.size = size;
    made.workers = workers;
    made.law = law;
    made.quick_n = quick_n;
    made.operations = operations;
    return made;
}

Group tokens(const char* shape, std::int64_t size, unsigned workers, std::int64_t parts) {
    Group made = group(shape, size, workers, Law::TOKENS, 64 * parts, 1);
    made.parts = parts;
    return made;
}

Group fixed(const char* shape, std::int64_t size, Law law, std::int64_t quick_n, std::int64_t n) {
    Group made = group(shape, size, 1, law, quick_n, 1);
    made.fixed_n = n;
    return made;
}

void add_flows(std::vector<Group>& groups, unsigned workers) {
    for (std::int64_t size : {1, 10, 100}) {
        if (size == 1 && workers > 1) continue;
        auto hops = static_cast<double>(size + 1);
        groups.push_back(group("pipeline", size, workers, Law::SEQUENCE, 500, hops));
    }
    groups.push_back(group("fan-out", 100, workers, Law::FAN_OUT, 100, 100));
    groups.push_back(group("fan-in", 100, workers, Law::FAN_IN, 5000, 1));
    groups.back().parts = 100;
    groups.push_back(tokens("ping-pong", 2, workers, 1));
    groups.push_back(tokens("ring", 100, workers, RING_TOKENS));
    groups.push_back(tokens("pairs", 64, workers, 64));
    groups.push_back(group("work", 10, workers, Law::SEQUENCE, 50, 10));
    groups.back().spin_us = 1;
}

void add_codecs(std::vector<Group>& groups) {
    for (const char* format : {"json", "msgpack"}) {
        for (const char* way : {"read", "write"}) {
            for (std::int64_t i = 0; i < DOCUMENTS; ++i) {
                Group made = group(std::string(format) + "-" + way, i, 1, Law::DOCUMENT, 1, 1);
                made.id = made.shape + "-" + document_name(i);
                made.operations = static_cast<double>(std::string_view(format) == "json"
                                                          ? document(i).json.size()
                                                          : document(i).msgpack.size());
                groups.push_back(std::move(made));
            }
        }
    }
}

Row row(std::string name, const char* unit, std::string group, Figure figure, bool higher) {
    Row made;
    made.name = std::move(name);
    made.unit = unit;
    made.group = std::move(group);
    made.figure = figure;
    made.higher_is_better = higher;
    made.contender = "reflow";
    return made;
}

// One packet in a callback, and many.
void add_pair_of_rows(std::vector<Row>& rows, const std::string& name, const char* unit,
                      const std::string& group) {
    Row one = row(name, unit, group, Figure::RATE, true);
    one.limit = one.bare = "bare";
    Row batch = row(name + "-batch", unit, group, Figure::RATE, true);
    batch.contender = "reflow-batch";
    batch.limit = batch.bare = "bare-batch";
    if (name.starts_with("pipeline")) {
        one.of_limit = HOP_OF_BARE;
        batch.limit = "calls";
        batch.of_limit = BATCH_OF_CALLS;
    }
    rows.push_back(one);
    rows.push_back(batch);
}

void add_flow_rows(std::vector<Row>& rows) {
    for (const char* size : {"1", "10", "100"}) {
        std::string name = std::string("pipeline-") + size;
        add_pair_of_rows(rows, name, "hops/s", name);
    }
    add_pair_of_rows(rows, "fan-out-100", "deliveries/s", "fan-out-100");
    add_pair_of_rows(rows, "fan-in-100", "deliveries/s", "fan-in-100");
    for (const char* name : {"ping-pong", "ring-100", "pairs-64", "work-10"}) {
        bool work = name == std::string_view("work-10");
        std::string group = name == std::string_view("ping-pong") ? "ping-pong-2" : name;
        rows.push_back(row(name, work ? "firings/s" : "hops/s", group, Figure::RATE, true));
        rows.back().limit = rows.back().bare = "bare";
    }
}

// With two workers nothing may be slower than 0.9 times one; what can be split is 1.7 times faster.
void add_two_workers(std::vector<Row>& rows) {
    for (const char* name : {"pipeline-10", "pipeline-10-batch", "pipeline-100", "fan-out-100",
                             "fan-in-100", "ping-pong", "ring-100", "pairs-64", "work-10"}) {
        std::string base = name;
        bool split = base == "pairs-64" || base == "work-10";
        for (const Row& one : std::vector<Row>(rows)) {
            if (one.name != base) continue;
            Row two = row(base + "-2w", one.unit.c_str(), one.group + "-2w", Figure::RATE, true);
            two.contender = one.contender;
            two.base = base;
            two.of_base = split ? 1.7 : 0.9;
            two.limit = two.bare = one.bare;
            rows.push_back(two);
        }
    }
}

void add_latency_rows(std::vector<Row>& rows) {
    for (const char* size : {"2", "10"}) {
        std::string name = std::string("latency-") + size;
        rows.push_back(row(name, "ns", name, Figure::P50, false));
        rows.back().limit = rows.back().bare = "bare";
        rows.back().of_limit = LATENCY_OF_BARE;
    }
    rows.back().absolute = 300;  // through ten
    const char* names[] = {"idle-wake-same-core", "idle-wake-other-core"};
    for (int i = 0; i < 2; ++i) {
        rows.push_back(row(names[i], "ns", "wake-" + std::to_string(i), Figure::P50, false));
        rows.back().limit = "bare";
        rows.back().of_limit = 1.2;
    }
}

void add_size_rows(std::vector<Row>& rows) {
    for (const char* count : {"10000", "100000", "1000000"}) {
        std::string group = std::string("idle-") + count;
        rows.push_back(
            row("memory-" + std::string(count), "bytes/actor", group, Figure::BYTES, false));
        rows.back().absolute = 500;
        rows.push_back(
            row("create-" + std::string(count), "actors/s", group, Figure::CREATED, true));
        rows.back().limit = rows.back().bare = "bare";
    }
    for (const char* size : {"1024", "1048576"}) {
        std::string name = std::string("payload-") + size;
        rows.push_back(row(name, "ns", name, Figure::EACH, false));
        rows.back().limit = "memcpy";
        rows.back().bare = "bare";
        rows.back().absolute = 400;
    }
    // Whatever the size: what differs is noise.
    rows.back().base = "payload-1024";
    rows.back().of_base = 1.5;
    rows.push_back(row("graph-load-10000", "ms", "graph-load-10000", Figure::EACH, false));
    rows.back().absolute = 20;
    rows.push_back(row("slow-sink-memory", "bytes", "slow-0", Figure::BYTES, false));
    // The capacity of the port is 1000 packets of a KiB and their headers; the rest is the
    // engine's.
    rows.back().absolute = 2 << 20;
}

void add_codec_rows(std::vector<Row>& rows) {
    for (const char* format : {"json", "msgpack"}) {
        for (const char* way : {"read", "write"}) {
            for (std::int64_t i = 0; i < DOCUMENTS; ++i) {
                std::string name = std::string(format) + "-" + way + "-" + document_name(i);
                rows.push_back(row(name, "bytes/s", name, Figure::RATE, true));
                if (format == std::string_view("json")) {
                    rows.back().limit = "cjson";
                    rows.back().of_limit = 5;
                }
            }
        }
    }
}

// Links between two processes. What is asked of them has no rule with peers: it is in the budgets.
void add_link_groups(std::vector<Group>& groups) {
    for (const char* scheme : {"tcp", "ws"}) {
        std::string shape = std::string("link-") + scheme;
        groups.push_back(group(shape, 0, 1, Law::SEQUENCE, 5000, 1));
        groups.push_back(group(shape, LINK_BYTES, 1, Law::BYTES, 100, LINK_BYTES));
        groups.push_back(group(std::string("link-rtt-") + scheme, 0, 1, Law::ROUNDS, 100, 1));
    }
    groups.push_back(fixed("link-idle", 100, Law::ROUNDS, 50, 3000));  // milliseconds
    groups.push_back(fixed("link-reconnect", 0, Law::ROUNDS, 1, 3));
    for (Group& each : groups) {
        if (each.shape.starts_with("link-")) each.optional = true;  // a build without peers
    }
}

void add_link_rows(std::vector<Row>& rows) {
    for (const char* scheme : {"tcp", "ws"}) {
        bool tcp = scheme == std::string_view("tcp");
        std::string name = std::string("link-") + scheme;
        rows.push_back(row(name, "packets/s", name + "-0", Figure::RATE, true));
        rows.back().absolute = tcp ? 8e6 : 3e6;
        std::string large = name + "-" + std::to_string(LINK_BYTES);
        rows.push_back(row(large, "bytes/s", large, Figure::RATE, true));
        if (tcp) rows.back().of_limit = 0.6;
        std::string round = std::string("link-rtt-") + scheme;
        rows.push_back(row(round, "ns", round + "-0", Figure::P50, false));
        rows.back().of_limit = tcp ? 1.4 : 2;
        for (std::size_t i = rows.size() - 3; i < rows.size(); ++i) {
            rows[i].limit = "bare";
            rows[i].rule = false;
        }
    }
    rows.push_back(row("link-idle-100", "%", "link-idle-100", Figure::PERCENT, false));
    rows.back().absolute = 1;
    rows.back().rule = false;
    // The first attempt comes after 200 ms, and may take 100.
    rows.push_back(row("link-reconnect", "ms", "link-reconnect-0", Figure::P50, false));
    rows.back().absolute = 300;
    rows.back().rule = false;
}

// Parts of the engine that no peer has; the budgets name none of them.
void add_part_groups(std::vector<Group>& groups) {
    groups.push_back(group("stream", FRAME_BYTES, 1, Law::BYTES, 100, FRAME_BYTES));
    groups.push_back(group("stream", SMALL_FRAME_BYTES, 1, Law::BYTES, 500, 1));
    groups.push_back(group("frame-pool", 1'048'576, 1, Law::BYTES, 200, 1));
    groups.push_back(fixed("failure-retries", 10, Law::SEQUENCE, 50, 5000));
    groups.push_back(fixed("failure-breaker", 10, Law::SEQUENCE, 50, 5000));
    groups.push_back(fixed("snapshot", 0, Law::QUEUED, 200, 10'000));
}

void add_part_rows(std::vector<Row>& rows) {
    std::string large = "stream-" + std::to_string(FRAME_BYTES);
    rows.push_back(row(large, "bytes/s", large, Figure::RATE, true));
    rows.back().limit = "memcpy";
    std::string small = "stream-" + std::to_string(SMALL_FRAME_BYTES);
    rows.push_back(row(small, "frames/s", small, Figure::RATE, true));
    rows.push_back(
        row("frame-pool-1048576", "frames/s", "frame-pool-1048576", Figure::RATE, true));
    for (const char* name : {"failure-retries", "failure-breaker"}) {
        rows.push_back(
            row(std::string(name), "%", std::string(name) + "-10", Figure::PERCENT, false));
    }
    rows.push_back(row("snapshot-rest-10000", "ms", "snapshot-0", Figure::P50, false));
}

}  // namespace

std::vector<Group> all_groups() {
    std::vector<Group> groups;
    add_flows(groups, 1);
    add_flows(groups, 2);
    for (const char* way : {"deal-round-robin", "deal-least-loaded", "deal-key"}) {
        groups.push_back(group(way, 10, 1, Law::SEQUENCE, 500, 1));
    }
    for (std::int64_t size : {2, 10}) {
        groups.push_back(group("latency", size, 1, Law::SEQUENCE, 100, 1));
    }
    for (std::int64_t size : {0, 1}) {
        groups.push_back(fixed("wake", size, Law::SEQUENCE, 10, 400));
        groups.back().optional = size != 0;  // two cores
    }
    for (std::int64_t count : {10'000, 100'000, 1'000'000}) {
        groups.push_back(fixed("idle", count, Law::IDLE, 1000, count));
    }
    for (std::int64_t size : {1024, 1'048'576}) {
        groups.push_back(group("payload", size, 1, Law::PAYLOAD, 200, 1));
    }
    groups.push_back(group("graph-load", 10'000, 1, Law::GRAPH, 1, 1));
    groups.push_back(fixed("slow", 0, Law::SLOW, 2000, 20'000));
    groups.back().spin_us = 10;
    groups.push_back(fixed("events-unasked", 10, Law::SEQUENCE, 50, 5000));
    groups.push_back(fixed("events-default", 10, Law::SEQUENCE, 50, 5000));
    groups.push_back(group("events-all", 10, 2, Law::SEQUENCE, 500, 11));
    for (std::int64_t size : {1, 256}) {
        groups.push_back(group("pulled", size, 1, Law::SEQUENCE, 500, 1));
    }
    add_part_groups(groups);
    groups.push_back(fixed("start", 0, Law::START, 1, 1));
    add_codecs(groups);
    add_link_groups(groups);
    return groups;
}

std::vector<Row> all_rows() {
    std::vector<Row> rows;
    add_flow_rows(rows);
    add_two_workers(rows);
    for (const char* way : {"deal-round-robin", "deal-least-loaded", "deal-key"}) {
        rows.push_back(row(std::string(way) + "-10", "packets/s", std::string(way) + "-10",
                           Figure::RATE, true));
    }
    add_latency_rows(rows);
    add_size_rows(rows);
    rows.push_back(row("events-unasked", "%", "events-unasked-10", Figure::PERCENT, false));
    rows.back().absolute = 1;
    rows.push_back(row("events-default", "%", "events-default-10", Figure::PERCENT, false));
    rows.push_back(row("events-all", "hops/s", "events-all-10-2w", Figure::RATE, true));
    rows.back().rule = false;
    // One by one each waits for the one before it; many at once are what a host asks for.
    for (const char* size : {"1", "256"}) {
        std::string name = std::string("pulled-") + size;
        rows.push_back(row(name, "firings/s", name, Figure::RATE, true));
        rows.back().rule = false;
    }
    rows.back().absolute = 2e6;
    add_part_rows(rows);
    rows.push_back(row("process-start", "ms", "start-0", Figure::WALL, false));
    rows.back().limit = "bare";
    rows.back().absolute = 5;
    rows.back().rule = false;
    // The engine alone, and with the components and the drawing.
    rows.push_back(row("library-size", "bytes", "", Figure::FILE, false));
    rows.back().contender = "../core/libreflow.so";
    rows.back().absolute = 1 << 20;
    rows.push_back(row("library-size-full", "bytes", "", Figure::FILE, false));
    rows.back().contender = "../lib/libreflow.so";
    add_codec_rows(rows);
    add_link_rows(rows);
    return rows;
}

const std::vector<std::string>& peer_names() {
    static const std::vector<std::string> names = {"tbb",   "caf",      "go",    "erlang",
                                                   "flume", "original", "cjson", "msgpack-c",
                                                   "zeromq", "nats",     "lws"};
    return names;
}

}  // namespace bench
