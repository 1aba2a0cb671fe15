// The documents of the codec rows, and what has to come out of them. A document is built once as
// JSON, as MessagePack, and as a checksum of its content that every contender computes from what it
// has read. Used by bench itself and by the contenders of the codec rows.
#ifndef BENCH_CODEC_DOCUMENTS_HPP
#define BENCH_CODEC_DOCUMENTS_HPP

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

inline constexpr std::int64_t DOCUMENTS = 5;

// Takes in a value bit by bit; the order counts. 52 bits come out, which a double carries exactly.
class Checksum {
public:
    void array(std::size_t count) { mix(1, count); }
    void object(std::size_t count) { mix(2, count); }
    void text(std::string_view value) {
        mix(3, value.size());
        for (char byte : value) sum_ = (sum_ ^ static_cast<unsigned char>(byte)) * PRIME;
    }
    void number(double value) { mix(4, std::bit_cast<std::uint64_t>(value)); }
    void boolean(bool value) { mix(5, value ? 1 : 0); }
    void null() { mix(6, 0); }
    std::int64_t value() const { return static_cast<std::int64_t>(sum_ >> 12); }

private:
    static constexpr std::uint64_t PRIME = 0x100000001b3;
    void mix(std::uint64_t kind, std::uint64_t value) {
        sum_ = (sum_ ^ kind) * PRIME;
        sum_ = (sum_ ^ value) * PRIME;
        sum_ ^= sum_ >> 29;
    }
    std::uint64_t sum_ = 0xcbf29ce484222325;
};

struct Document {
    std::string json;
    std::string msgpack;
    std::int64_t checksum = 0;
};

// "records", "graph", "floats", "integers", "prose".
const char* document_name(std::int64_t index);

// Document number index, built at the first call.
const Document& document(std::int64_t index);

}  // namespace bench

#endif
