// Memory, time and traffic of this process: getrusage, and on Linux /proc/self beside it.
// Thread: any.
#include "io/usage.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace reflow::io {
namespace {

// The beginning of a small file; empty if there is none.
class SmallFile {
public:
    explicit SmallFile(const char* path) noexcept {
        int file = ::open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) return;
        while (size_ < sizeof text_) {
            ssize_t got = ::read(file, text_ + size_, sizeof text_ - size_);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            size_ += static_cast<std::size_t>(got);
        }
        ::close(file);
    }
    // The number that follows a word, after blanks; 0 if there is none.
    [[nodiscard]] std::uint64_t after(std::string_view word) const noexcept {
        std::string_view text(text_, size_);
        std::size_t at = text.find(word);
        if (at == std::string_view::npos) return 0;
        text.remove_prefix(at + word.size());
        while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
            text.remove_prefix(1);
        }
        std::uint64_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    }

private:
    char text_[4096];
    std::size_t size_ = 0;
};

std::uint64_t nanoseconds(const timeval& time) noexcept {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_usec) * 1000;
}

}  // namespace

reflow_usage process_usage() noexcept {
    reflow_usage usage{};
    rusage own{};
    if (::getrusage(RUSAGE_SELF, &own) == 0) {
#ifdef __APPLE__
        constexpr std::uint64_t unit = 1;
#else
        constexpr std::uint64_t unit = 1024;
#endif
        usage.memory_peak_bytes = static_cast<std::uint64_t>(own.ru_maxrss) * unit;
        usage.user_ns = nanoseconds(own.ru_utime);
        usage.system_ns = nanoseconds(own.ru_stime);
        usage.page_faults = static_cast<std::uint64_t>(own.ru_majflt);
        usage.yields = static_cast<std::uint64_t>(own.ru_nvcsw);
        usage.preemptions = static_cast<std::uint64_t>(own.ru_nivcsw);
    }
#ifdef __linux__
    SmallFile status("/proc/self/status");
    usage.threads = static_cast<std::uint32_t>(status.after("\nThreads:"));
    usage.memory_bytes = status.after("\nVmRSS:") * 1024;
    // What a thread of its own counted may run a little behind the moment's value.
    if (usage.memory_peak_bytes < usage.memory_bytes) usage.memory_peak_bytes = usage.memory_bytes;
    SmallFile traffic("/proc/self/io");
    usage.read_bytes = traffic.after("rchar:");
    usage.written_bytes = traffic.after("wchar:");
#endif
    return usage;
}

}  // namespace reflow::io
