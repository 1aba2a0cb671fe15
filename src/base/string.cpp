// The functions of String, once for the whole library, compiled for size: see the end of memory.hpp.
// Thread: any.
#include "base/memory.hpp"

template class std::basic_string<char, std::char_traits<char>, reflow::Allocator<char>>;
