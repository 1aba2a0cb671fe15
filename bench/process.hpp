// Runs a contender once and reads its answer. Used by measure.cpp, on the main thread.
#ifndef BENCH_PROCESS_HPP
#define BENCH_PROCESS_HPP

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bench {

struct Outcome {
    enum class State { DONE, UNSUPPORTED, FAILED };
    State state = State::FAILED;
    std::string problem;                    // FAILED: what happened
    std::map<std::string, double> numbers;  // the pairs of the answer
    std::string line;                       // the answer as it came
    double wall_ns = 0;                     // from before the start to the answer

    double number(const std::string& key) const {
        auto found = numbers.find(key);
        return found == numbers.end() ? 0 : found->second;
    }
};

// How much of the processors' time other programs took between two moments, from 0 to 1. What the
// contenders that have ended took is not counted.
class Disturbance {
public:
    Disturbance();
    [[nodiscard]] double share() const;

private:
    double all_ = 0, idle_ = 0, own_ = 0;
};

// Ends the program when the time is over.
Outcome run_program(const std::vector<std::string>& command, int timeout_s);

}  // namespace bench

#endif
