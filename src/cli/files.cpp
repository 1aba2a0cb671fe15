// Files and standard input as text, and graphs from them.
// Thread: any.
#include "cli/files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cli/problem.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// The limit of the library for a document.
constexpr std::size_t max_input_bytes = std::size_t{1} << 30;

class Descriptor {
public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const noexcept { return number_; }
    // The error number, or 0.
    int close() noexcept {
        const int number = number_;
        number_ = -1;
        return ::close(number) == 0 ? 0 : errno;
    }

private:
    int number_;
};

// The error number, or 0.
int write_descriptor(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

// Waits until there is something to read, or the end; false at the deadline.
bool wait_for_text(int descriptor, const Deadline& deadline) {
    using std::chrono::milliseconds;
    constexpr milliseconds longest{1000 * 1000};
    for (;;) {
        int wait = -1;
        if (deadline.time) {
            const auto left =
                std::chrono::ceil<milliseconds>(*deadline.time - std::chrono::steady_clock::now());
            wait = static_cast<int>(std::clamp(left, milliseconds(0), longest).count());
        }
        pollfd asked{descriptor, POLLIN, 0};
        const int ready = ::poll(&asked, 1, wait);
        // An error is told by reading.
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
        if (deadline.time && std::chrono::steady_clock::now() >= *deadline.time) return false;
    }
}

[[noreturn]] void cannot_write(const std::string& path, int number) {
    fail(exit_failed, "cannot write '" + path + "': " + system_reason(number));
}

void write_in_place(const std::string& path, std::string_view text) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (file.get() < 0) cannot_write(path, errno);
    if (const int number = write_descriptor(file.get(), text); number != 0) {
        cannot_write(path, number);
    }
    if (const int number = file.close(); number != 0) cannot_write(path, number);
}

}  // namespace

bool is_pipe(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

std::string timed_out(double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", seconds);
    return "timed out after " + std::string(text.data()) + " s";
}

std::string read_text(const std::string& path, int code, const Deadline& deadline) {
    const bool standard = path == "-";
    const std::string name = standard ? "standard input" : "'" + path + "'";
    // Opening a named pipe would wait for somebody who writes into it, whatever the deadline is.
    const int flags = O_RDONLY | O_CLOEXEC | (is_pipe(path) ? O_NONBLOCK : 0);
    const Descriptor file(standard ? ::dup(STDIN_FILENO) : ::open(path.c_str(), flags));
    if (file.get() < 0) fail(code, "cannot read " + name + ": " + system_reason(errno));
    std::string text;
    std::array<char, 64 * 1024> piece;
    for (;;) {
        if (!wait_for_text(file.get(), deadline)) {
            fail(exit_timeout, timed_out(deadline.seconds), name + " has not come to its end");
        }
        const ssize_t size = ::read(file.get(), piece.data(), piece.size());
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (size < 0) fail(code, "cannot read " + name + ": " + system_reason(errno));
        if (size == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(size));
        if (text.size() > max_input_bytes) fail(code, name + " is larger than 1 GiB");
    }
}

void write_text(const std::string& path, std::string_view text) {
    struct stat status {};
    std::error_code resolved;
    const bool exists = ::stat(path.c_str(), &status) == 0;
    const std::string target = std::filesystem::weakly_canonical(path, resolved).string();
    if ((exists && !S_ISREG(status.st_mode)) || resolved) return write_in_place(path, text);

    // A second file that takes the place of the first when it is complete.
    const std::string temporary = target + ".part" + std::to_string(::getpid());
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    // A folder that takes no new files may still hold one that can be written.
    if (file.get() < 0 && exists) return write_in_place(path, text);
    if (file.get() < 0) cannot_write(path, errno);
    int number = 0;
    if (exists && ::fchmod(file.get(), status.st_mode & 07777) != 0) number = errno;
    if (number == 0) number = write_descriptor(file.get(), text);
    if (const int closed = file.close(); number == 0) number = closed;
    if (number == 0 && ::rename(temporary.c_str(), target.c_str()) != 0) number = errno;
    if (number != 0) {
        ::unlink(temporary.c_str());
        cannot_write(path, number);
    }
}

Graph load_graph(const std::string& path, const Deadline& deadline,
                 std::optional<std::string>* text) {
    Graph graph;
    Error error;
    reflow_status status = REFLOW_OK;
    if (path == "-" || is_pipe(path)) {
        std::string document = read_text(path, exit_invalid, deadline);
        status =
            reflow_graph_load(view_of(document), REFLOW_FORMAT_AUTO,
                              view_of(path == "-" ? input_name : path), Out(graph), Out(error));
        if (text != nullptr) *text = std::move(document);
    } else {
        status = reflow_graph_load_file(view_of(path), Out(graph), Out(error));
    }
    check(status, error, exit_invalid);
    return graph;
}

std::string name_of_graph(const std::string& path) {
    return path == "-" ? std::string(input_name) : path;
}

Runtime quiet_runtime() {
    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_INLINE;
    Runtime runtime;
    Error error;
    const reflow_status status = reflow_runtime_create(&options, Out(runtime), Out(error));
    check(status, error, exit_failed);
    return runtime;
}

std::string ending(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    const std::size_t dot = path.rfind('.');
    if (dot == std::string_view::npos || (slash != std::string_view::npos && dot < slash))
        return {};
    std::string result(path.substr(dot + 1));
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

}  // namespace cli
