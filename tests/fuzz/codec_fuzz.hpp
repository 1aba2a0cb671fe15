// What the fuzz targets of the codecs share: memory that is counted, and a loud end.
// Neighbours: json_fuzz.cpp, msgpack_fuzz.cpp, yaml_fuzz.cpp. Thread: one.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "base/memory.hpp"
#include "base/text.hpp"
#include "codec/json.hpp"

namespace reflow::fuzz {

struct Counted {
    std::size_t now = 0;
    std::size_t most = 0;
};

// Memory of the library as the allocator hook sees it.
inline Counted& counted() {
    static Counted memory;
    return memory;
}

inline void count_memory() {
    static const bool installed = [] {
        reflow_allocator allocator{};
        allocator.struct_size = sizeof allocator;
        allocator.allocate = [](void*, std::size_t size, std::size_t alignment) -> void* {
            Counted& memory = counted();
            memory.now += size;
            if (memory.now > memory.most) memory.most = memory.now;
            return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
        };
        allocator.release = [](void*, void* block, std::size_t size, std::size_t) {
            counted().now -= size;
            std::free(block);
        };
        return set_allocator(allocator);
    }();
    if (!installed) std::abort();
    counted().most = counted().now;
}

inline void require(bool holds, const char* what, std::string_view text = "") {
    if (holds) return;
    std::fprintf(stderr, "%s: ", what);
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fputc('\n', stderr);
    std::abort();
}

// Reading takes at most a fixed multiple of the input, beside the levels that are open (128 at
// most). The worst are containers and texts of a byte or two, each of which is a block of its own,
// in arrays that grow by doubling.
inline void require_bounded(std::size_t before, std::size_t input) {
    require(counted().most - before <= 262144 + 160 * input, "memory out of proportion");
}

}  // namespace reflow::fuzz
