// What is measured: groups (one shape, run by every contender that has it) and rows (one figure of
// the engine out of a group, with its limit and its budget). The tables are in rows.cpp.
#ifndef BENCH_ROWS_HPP
#define BENCH_ROWS_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// What has to have arrived: count and sum as functions of n and size.
enum class Law {
    SEQUENCE,  // 0 .. n-1 once
    FAN_OUT,   // 0 .. n-1 at each of size sinks
    FAN_IN,    // 0 .. n/size-1 from each of size sources
    PAYLOAD,   // n payloads at each of ten sinks, their sizes and last bytes
    IDLE,      // one packet through n actors
    GRAPH,     // n times one token round size actors
    SLOW,      // n packets of a KiB
    START,     // one packet
    DOCUMENT,  // a document n times, whose checksum is known
    BYTES,     // n payloads, their sizes and last bytes
    ROUNDS,    // n of whatever it is
    QUEUED,    // what waited at n nodes, whose packets have the number of their node
    TOKENS     // n hops of tokens on rings, as often as parts says
};

struct Group {
    std::string id;
    std::string shape;
    std::int64_t size = 0;
    unsigned workers = 1;
    double spin_us = 0;
    Law law = Law::SEQUENCE;
    std::int64_t parts = 1;    // TOKENS: n is a multiple of this
    std::int64_t quick_n = 0;  // a run that takes next to no time
    std::int64_t fixed_n = 0;  // 0: as many as take a fair while
    double operations = 1;     // in each of the n: hops, deliveries, bytes
    bool optional = false;     // a machine, or a build, may lack what it takes
};

// How a figure comes out of a run.
enum class Figure {
    RATE,     // operations per second
    EACH,     // time of one of the n
    P50,      // the median that the contender measured
    BYTES,    // what it measured, in bytes
    PERCENT,  // what it measured
    CREATED,  // n per second
    WALL,     // from the start of the process to the answer
    FILE      // size of a stripped library, whose path from that of the program is the contender
};

struct Row {
    std::string name;
    std::string unit;
    std::string group;
    Figure figure = Figure::RATE;
    bool higher_is_better = true;
    std::string contender;  // "reflow" or "reflow-batch"
    std::string limit;      // the contender that is the limit; empty: none
    double of_limit = 0;    // budget: this much of the limit; 0: none
    double absolute = 0;    // budget: this figure; 0: none
    std::string base;       // budget: of_base times the value of another row
    double of_base = 0;
    std::string bare;  // the bare contender of the rule below; empty: peers alone
    bool rule = true;  // budget: 1.5 x the best peer or 0.7 x bare, whichever is lower
};

std::vector<Group> all_groups();
std::vector<Row> all_rows();

// The peers that may take part, in the order of the table's notes.
const std::vector<std::string>& peer_names();

}  // namespace bench

#endif
