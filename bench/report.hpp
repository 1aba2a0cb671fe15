// The results as a table and as JSON. Main thread.
#ifndef BENCH_REPORT_HPP
#define BENCH_REPORT_HPP

#include <map>
#include <string>
#include <vector>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {

struct Result {
    Row row;
    bool measured = false;
    double value = 0;
    std::string peer;  // the best of the peers; empty: none
    double peer_value = 0;
    double ratio = 0;  // how many times better than the best peer
    bool has_limit = false;
    double limit = 0;
    bool has_budget = false;
    double budget = 0;  // the strictest of these
    std::map<std::string, double> budgets;  // what applies: "own", "limit", "base", "rule"
    bool met = false;
    double disturbance = 0;                // share of the processors that other programs took
    std::map<std::string, double> others;  // every other contender of the row
};

// Judges one row; results has the rows before it.
Result judge(const Row& row, const Group& group, const Measurement& measurement,
             const std::vector<Result>& results);
// A row of the size of a library.
Result judge_library(const Row& row, const std::string& library);

void print_heading();
void print_row(const Result& result);
void print_summary(const std::vector<Result>& results, const Measurement& measurement);
bool write_json(const std::string& path, const std::vector<Result>& results,
                const Settings& settings, const std::string& machine);
std::string machine_text();

}  // namespace bench

#endif
