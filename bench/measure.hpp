// Runs the contenders of a group in turns, checks what they say, and keeps the figures. Main
// thread.
#ifndef BENCH_MEASURE_HPP
#define BENCH_MEASURE_HPP

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "process.hpp"
#include "rows.hpp"

namespace bench {

struct Settings {
    bool quick = false;  // tiny counts, one run each: whether it works, not how fast
    int runs = 5;
    std::string contenders;       // folder of the programs
    std::string library;          // the library that is measured
    std::set<std::string> peers;  // those that are wanted
};

// One way to run a shape: a program and a variant.
struct Contender {
    std::string name;     // as rows call it: "reflow", "reflow-batch", "bare", "calls", "go", ...
    std::string program;  // its file in the folder of contenders
    std::string shape;    // instead of that of the group, if not empty
    std::string variant = "one";
    bool peer = false;
};

Contender contender_named(const std::string& name);

// The runs of one contender in one group, all with the same n.
struct Series {
    std::int64_t n = 0;
    std::vector<Outcome> runs;
};

class Measurement {
public:
    using Progress = std::function<void(const std::string& text)>;

    Measurement(Settings settings, Progress progress);

    // Measures a group with the contenders that rows ask for and the peers that are there.
    void run(const Group& group, const std::set<std::string>& wanted);
    // The median of a figure; false if there is none.
    bool figure(const Group& group, const Row& row, const std::string& contender,
                double* value) const;
    // Peers that have a result in a group.
    std::vector<std::string> peers(const std::string& group) const;
    // What was left out and why, and what is wrong with ours.
    const std::vector<std::string>& notes() const { return notes_; }
    const std::vector<std::string>& faults() const { return faults_; }
    bool present(const Contender& contender) const;
    // The share of the processors that other programs took while a group was measured.
    double disturbance(const std::string& group) const;

private:
    struct Entry {
        Contender contender;
        Series series;
        bool out = false;
    };
    Outcome call(const Group& group, const Contender& contender, std::int64_t n);
    void calibrate(const Group& group, Entry& entry);
    bool accept(const Group& group, Entry& entry, Outcome& outcome, std::int64_t n);
    std::vector<Entry> line_up(const Group& group, const std::set<std::string>& wanted) const;
    std::uint32_t turns(double microseconds);

    Settings settings_;
    Progress progress_;
    double turns_of_a_microsecond_ = 0;
    std::map<std::string, std::vector<Entry>> groups_;
    std::map<std::string, double> disturbances_;
    std::vector<std::string> notes_;
    std::vector<std::string> faults_;
};

}  // namespace bench

#endif
