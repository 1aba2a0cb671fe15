// A hook that keeps a header before each block, to check sizes on release and to count.
#include "failing_memory.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "base/memory.hpp"

namespace reflow::testing {
namespace {

struct Header {
    std::size_t size;
    std::size_t alignment;
};
constexpr std::size_t header_bytes = 64;  // more than any alignment in use

std::atomic<std::size_t> blocks{0};
std::atomic<std::size_t> bytes{0};
// Counts down to zero, and from there on for those that fail, to -failures.
std::atomic<std::int64_t> successes_left{0};
std::atomic<std::int64_t> failures{0};

void* take(void*, std::size_t size, std::size_t alignment) {
    if (alignment > header_bytes) return nullptr;
    std::int64_t last = -failures.load();
    std::int64_t left = successes_left.load();
    while (left > last && !successes_left.compare_exchange_weak(left, left - 1)) {
    }
    if (left > last && left <= 0) return nullptr;
    std::size_t all = (header_bytes + size + header_bytes - 1) / header_bytes * header_bytes;
    char* memory = static_cast<char*>(std::aligned_alloc(header_bytes, all));
    if (memory == nullptr) return nullptr;
    Header header{size, alignment};
    std::memcpy(memory, &header, sizeof header);
    blocks += 1;
    bytes += size;
    return memory + header_bytes;
}

void give(void*, void* memory, std::size_t size, std::size_t alignment) {
    char* start = static_cast<char*>(memory) - header_bytes;
    Header header;
    std::memcpy(&header, start, sizeof header);
    if (header.size != size || header.alignment != alignment) std::abort();
    blocks -= 1;
    bytes -= size;
    std::free(start);
}

const bool installed = [] {
    reflow_allocator allocator{sizeof(reflow_allocator), 0, take, give, nullptr};
    if (!set_allocator(allocator)) std::abort();
    return true;
}();

}  // namespace

MemoryUse memory_use() noexcept { return {blocks.load(), bytes.load()}; }

FailBurst::FailBurst(std::int64_t successes, std::int64_t count) noexcept {
    successes_left = successes;
    failures = count;
}
FailBurst::~FailBurst() {
    failures = 0;
    successes_left = 0;
}
bool FailBurst::failed() const noexcept { return successes_left.load() < 0; }

}  // namespace reflow::testing
