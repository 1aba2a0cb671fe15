// What every contender written in C++ shares: the line protocol that bench speaks with the programs
// it runs. A contender is called
//     <program> <shape> <size> <n> <workers> <spin> <variant>
// and prints one line of key=value pairs: what it counted, and how long it took. It leaves with
// UNSUPPORTED if it does not have the shape. docs/benchmarks.md describes the shapes.
#ifndef BENCH_CONTENDER_HPP
#define BENCH_CONTENDER_HPP

#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

inline constexpr int UNSUPPORTED = 3;
inline constexpr std::int64_t RING_TOKENS = 32;
inline constexpr std::int64_t PAYLOAD_TARGETS = 10;
inline constexpr std::int64_t QUEUED = 4;  // packets that wait at each node of a snapshot

struct Call {
    std::string shape;
    std::int64_t size = 0;   // actors, targets or bytes, as the shape says
    std::int64_t n = 0;      // packets, or hops of all tokens
    unsigned workers = 1;    // threads that run actors
    std::uint32_t spin = 0;  // turns of spin() in one firing
    std::string variant;     // "one" or "batch"; a contender with one way ignores it
};

inline Call read_call(int argc, char** argv) {
    if (argc != 7) {
        std::fprintf(stderr, "usage: %s shape size n workers spin variant\n", argv[0]);
        std::exit(2);
    }
    Call call;
    call.shape = argv[1];
    call.size = std::atoll(argv[2]);
    call.n = std::atoll(argv[3]);
    call.workers = static_cast<unsigned>(std::atoi(argv[4]));
    call.spin = static_cast<std::uint32_t>(std::atoll(argv[5]));
    call.variant = argv[6];
    return call;
}

inline std::uint64_t now_ns() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

// Work that takes a time which no compiler can shorten: each step (xorshift) needs the one before.
inline std::uint64_t spin(std::uint32_t turns, std::uint64_t seed) {
    seed |= 1;
    for (std::uint32_t i = 0; i < turns; ++i) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
    return seed;
}

inline std::int64_t resident_bytes_now() {
    malloc_trim(0);
    long long pages = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%*s %lld", &pages) != 1) pages = 0;
        std::fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

// Memory of this process that is in use, in bytes. The first look loads pages of the C library that
// nobody else has asked for, some 70 KB; what is measured with two looks must not have them.
inline std::int64_t resident_bytes() {
    static const std::int64_t first = resident_bytes_now();
    static_cast<void>(first);
    return resident_bytes_now();
}

// The sample below which a share of the others lies.
inline std::uint64_t quantile(std::vector<std::uint64_t> samples, double share) {
    if (samples.empty()) return 0;
    auto place = samples.begin() +
                 static_cast<std::ptrdiff_t>(static_cast<double>(samples.size() - 1) * share);
    std::nth_element(samples.begin(), place, samples.end());
    return *place;
}

inline std::uint64_t median(std::vector<std::uint64_t> samples) {
    return quantile(std::move(samples), 0.5);
}

// The answer: one line, built pair by pair.
class Answer {
public:
    Answer& add(const char* key, double value) {
        char text[64];
        std::snprintf(text, sizeof text, "%s%s=%.17g", line_.empty() ? "" : " ", key, value);
        line_ += text;
        return *this;
    }
    Answer& add(const char* key, std::int64_t value) {
        line_ += (line_.empty() ? "" : " ") + std::string(key) + "=" + std::to_string(value);
        return *this;
    }
    Answer& add(const char* key, std::uint64_t value) {
        return add(key, static_cast<std::int64_t>(value));
    }
    int print() const {
        std::printf("%s\n", line_.c_str());
        return std::fflush(stdout) == 0 ? 0 : 1;
    }

private:
    std::string line_;
};

// The answer of most shapes.
inline int answer(std::uint64_t ns, std::int64_t count, std::int64_t sum) {
    return Answer().add("ns", ns).add("count", count).add("sum", sum).print();
}

}  // namespace bench

#endif
