// Files on POSIX: interrupted and short calls are taken up again, a folder is refused by name, a
// write that fails leaves a regular file as it was before that write, and a pipe never keeps a
// thread waiting for its other end.
// Neighbours: base/store.hpp. Thread: any; a Reader or Writer belongs to one thread at a time.
#include "io/files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/clock.hpp"

namespace reflow::io {
namespace {

// strerror_r has two forms, told apart by what it returns: GNU's text, POSIX's number.
[[maybe_unused]] const char* reason_of(const char* text, const char*) noexcept { return text; }
[[maybe_unused]] const char* reason_of(int failed, const char* buffer) noexcept {
    return failed == 0 ? buffer : "unknown error";
}

// "cannot open: no such file or directory"
Failure failure(std::string_view what, int number, std::string_view path) {
    char buffer[256] = "";
    String reason(reason_of(strerror_r(number, buffer, sizeof buffer), buffer));
    auto upper = [&](std::size_t i) {
        return i < reason.size() && reason[i] >= 'A' && reason[i] <= 'Z';
    };
    // Not in words such as "RPC".
    if (upper(0) && !upper(1)) reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
    return Failure(REFLOW_ERROR_IO, concat("cannot ", what, ": ", reason)).file(path);
}

// The path as the system wants it.
Result<String> system_path(std::string_view path) {
    if (path.empty()) return Failure(REFLOW_ERROR_IO, "the name of a file is empty");
    if (path.find('\0') != std::string_view::npos) {
        return Failure(REFLOW_ERROR_IO, "the name of a file contains NUL")
            .file(path.substr(0, path.find('\0')));
    }
    return String(path);
}

// Owns a descriptor.
class Descriptor {
public:
    Descriptor() noexcept = default;
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() { (void)close(); }
    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool open() const noexcept { return number_ >= 0; }
    // 0 or errno. The descriptor is gone in any case, also after EINTR.
    int close() noexcept {
        int number = std::exchange(number_, -1);
        if (number < 0 || ::close(number) == 0 || errno == EINTR) return 0;
        return errno;
    }

private:
    int number_ = -1;
};

Descriptor open_descriptor(const String& path, int flags) noexcept {
    int number = -1;
    do {
        number = ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0666);
    } while (number < 0 && errno == EINTR);
    return Descriptor(number);
}

// Makes the folders above the path.
Result<void> make_parents(const String& path) {
    String part;
    part.reserve(path.size());
    for (std::size_t at = path.find('/', 1); at != String::npos; at = path.find('/', at + 1)) {
        part.assign(path, 0, at);
        if (::mkdir(part.c_str(), 0777) == 0 || errno == EEXIST) continue;
        // A folder that stands cannot be made where one may not write (EACCES, EROFS).
        int number = errno;
        struct stat about {};
        if (::stat(part.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) continue;
        return failure(concat("create the folder '", part, "'"), number, path);
    }
    return {};
}

// While it stands, writing into a pipe that nobody reads is EPIPE and not the signal that would
// end the host. The mask of the thread and what was pending before are as they were afterwards.
class PipeGuard {
public:
    PipeGuard() noexcept {
        sigset_t pending;
        sigemptyset(&pending);
        sigpending(&pending);
        if (sigismember(&pending, SIGPIPE) == 1) return;
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        active_ = pthread_sigmask(SIG_BLOCK, &pipe_, &before_) == 0;
    }
    ~PipeGuard() {
        if (!active_) return;
        int number = errno;
        timespec at_once{};
        while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = number;
    }
    PipeGuard(const PipeGuard&) = delete;
    PipeGuard& operator=(const PipeGuard&) = delete;

private:
    sigset_t pipe_{};
    sigset_t before_{};
    bool active_ = false;
};

// Writes everything that is taken; 0 or errno, with *written telling how far it came. EAGAIN: the
// pipe is full.
int write_all(int descriptor, std::string_view data, std::size_t& written) noexcept {
    written = 0;
    while (written < data.size()) {
        ssize_t count = ::write(descriptor, data.data() + written, data.size() - written);
        if (count >= 0) {
            written += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int write_all_guarded(int descriptor, bool regular, std::string_view data,
                      std::size_t& written) noexcept {
    if (regular) return write_all(descriptor, data, written);
    PipeGuard guard;
    return write_all(descriptor, data, written);
}

// Whether the other end has sent or taken something, waiting that long for it. An end that is gone
// counts: the next call tells.
bool ready(int descriptor, short events, int timeout_ms) noexcept {
    pollfd asked{descriptor, events, 0};
    int answer = ::poll(&asked, 1, timeout_ms);
    return answer > 0 || (answer < 0 && errno != EINTR);
}

// How long to wait for the other end of a pipe: not at all, unless somebody asks over and over, as
// an actor does whose clock is a simulated one, or that may not rest.
class Patience {
public:
    [[nodiscard]] int timeout_ms() noexcept {
        std::uint64_t now = SystemClock().now_ns();
        if (fruitless_ == 0) since_ns_ = now;
        bool hurried = fruitless_ >= free_tries && now - since_ns_ < fruitless_ * least_period_ns;
        ++fruitless_;
        return hurried ? wait_ms : 0;
    }
    void reset() noexcept { fruitless_ = 0; }

private:
    static constexpr std::uint64_t free_tries = 8;
    static constexpr std::uint64_t least_period_ns = 1'000'000;
    static constexpr int wait_ms = 10;

    std::uint64_t fruitless_ = 0;
    std::uint64_t since_ns_ = 0;
};

class FileReader final : public Store::Reader {
public:
    FileReader(String path, Descriptor descriptor, bool regular) noexcept
        : path_(std::move(path)), descriptor_(std::move(descriptor)), regular_(regular) {}

    Result<std::size_t> read(std::span<char> buffer) override {
        if (buffer.empty()) return std::size_t{0};
        // Asked beforehand, since standard input is shared with others and may block. A pipe that
        // nobody has opened for writing yet has nothing; it is not at its end.
        if (!regular_ && !ready(descriptor_.get(), POLLIN, patience_.timeout_ms())) {
            return nothing_yet;
        }
        for (;;) {
            ssize_t count = ::read(descriptor_.get(), buffer.data(), buffer.size());
            if (count >= 0) {
                patience_.reset();
                return static_cast<std::size_t>(count);
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) return nothing_yet;
            if (errno != EINTR) return failure("read", errno, path_);
        }
    }

    [[nodiscard]] bool repeatable() const noexcept override { return regular_; }
    Result<void> skip(std::uint64_t bytes) override {
        struct stat about {};
        if (::fstat(descriptor_.get(), &about) != 0) return failure("read", errno, path_);
        if (static_cast<std::uint64_t>(about.st_size) < bytes) {
            return Failure(REFLOW_ERROR_IO, concat("the file is shorter than ", bytes, " bytes"))
                .file(path_);
        }
        if (::lseek(descriptor_.get(), static_cast<off_t>(bytes), SEEK_SET) < 0) {
            return failure("read", errno, path_);
        }
        return {};
    }

private:
    String path_;
    Descriptor descriptor_;
    bool regular_;
    Patience patience_;
};

class FileWriter final : public Store::Writer {
public:
    FileWriter(String path, Descriptor descriptor, mode_t mode) noexcept
        : path_(std::move(path)),
          descriptor_(std::move(descriptor)),
          regular_(S_ISREG(mode)),
          waits_(S_ISFIFO(mode)) {}

    Result<std::size_t> write(std::string_view data) override {
        if (!descriptor_.open()) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "the file is closed").file(path_);
        }
        std::size_t written = 0;
        int number = write_all_guarded(descriptor_.get(), regular_, data, written);
        if (number == 0) return written;
        if (number == EAGAIN || number == EWOULDBLOCK) {
            int timeout = patience_.timeout_ms();
            if (written > 0) patience_.reset();
            if (written == 0 && timeout > 0) (void)ready(descriptor_.get(), POLLOUT, timeout);
            return written;
        }
        if (regular_ && written > 0) cut(written);
        return failure("write", number, path_);
    }
    [[nodiscard]] bool waits() const noexcept override { return waits_; }
    Result<void> flush() override { return {}; }  // nothing is held back here
    Result<std::uint64_t> position() override {
        if (!regular_) {
            return Failure(REFLOW_ERROR_UNSUPPORTED, "what went into a pipe cannot be taken back")
                .file(path_);
        }
        off_t end = ::lseek(descriptor_.get(), 0, SEEK_END);
        if (end < 0) return failure("write", errno, path_);
        return static_cast<std::uint64_t>(end);
    }
    Result<void> close() override {
        int number = descriptor_.close();
        if (number != 0) return failure("write", number, path_);
        return {};
    }

private:
    // Takes back the piece that came through, so that the file ends where it did before. If even
    // that fails the piece stays; the failure of the write is told in any case.
    void cut(std::size_t written) noexcept {
        off_t end = ::lseek(descriptor_.get(), 0, SEEK_CUR);
        if (end < static_cast<off_t>(written)) return;
        off_t before = end - static_cast<off_t>(written);
        if (::ftruncate(descriptor_.get(), before) == 0) {
            (void)::lseek(descriptor_.get(), before, SEEK_SET);
        }
    }

    String path_;
    Descriptor descriptor_;
    bool regular_;
    bool waits_;
    Patience patience_;
};

// A named pipe that nobody has opened for reading yet: it is opened when there is somebody.
class PipeWriter final : public Store::Writer {
public:
    explicit PipeWriter(String path) noexcept : path_(std::move(path)) {}

    Result<std::size_t> write(std::string_view data) override {
        if (closed_) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "the file is closed").file(path_);
        }
        if (pipe_ == nullptr) {
            int timeout = patience_.timeout_ms();
            if (timeout > 0) (void)::poll(nullptr, 0, timeout);
            Descriptor descriptor = open_descriptor(path_, O_WRONLY | O_NONBLOCK);
            if (!descriptor.open() && errno == ENXIO) return std::size_t{0};
            if (!descriptor.open()) return failure("open", errno, path_);
            pipe_ =
                std::unique_ptr<FileWriter>(new FileWriter(path_, std::move(descriptor), S_IFIFO));
        }
        return pipe_->write(data);
    }
    [[nodiscard]] bool waits() const noexcept override { return true; }
    Result<void> flush() override { return {}; }
    Result<void> close() override {
        closed_ = true;
        return pipe_ != nullptr ? pipe_->close() : Result<void>();
    }

private:
    String path_;
    std::unique_ptr<FileWriter> pipe_;
    bool closed_ = false;
    Patience patience_;
};

// A file that can be opened, and what it is.
struct Opened {
    Descriptor descriptor;
    struct stat about {};
};

// With O_NONBLOCK among the flags only pipes stay so: terminals and the like have their own ways.
Result<Opened> open_checked(const String& path, int flags) {
    Opened opened;
    opened.descriptor = open_descriptor(path, flags);
    if (!opened.descriptor.open() && errno == ENOENT && (flags & O_CREAT) != 0) {
        if (Result<void> made = make_parents(path); !made.ok()) return made.take_error();
        opened.descriptor = open_descriptor(path, flags);
    }
    if (!opened.descriptor.open()) return failure("open", errno, path);
    if (::fstat(opened.descriptor.get(), &opened.about) != 0) return failure("open", errno, path);
    if (S_ISDIR(opened.about.st_mode)) return failure("open", EISDIR, path);
    if ((flags & O_NONBLOCK) != 0 && !S_ISFIFO(opened.about.st_mode)) {
        int now = ::fcntl(opened.descriptor.get(), F_GETFL);
        if (now >= 0) (void)::fcntl(opened.descriptor.get(), F_SETFL, now & ~O_NONBLOCK);
    }
    return opened;
}

// Standard input is shared with other processes: it is taken as it is and where it stands.
Result<Opened> standard_input(const String& path) {
    Opened opened;
    opened.descriptor = Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!opened.descriptor.open()) return failure("open", errno, path);
    if (::fstat(opened.descriptor.get(), &opened.about) != 0) return failure("open", errno, path);
    if (S_ISDIR(opened.about.st_mode)) return failure("open", EISDIR, path);
    return opened;
}

// Whether it is a pipe that could be opened for writing as soon as somebody reads it.
bool waits_for_reader(const String& path) noexcept {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 && S_ISFIFO(about.st_mode) &&
           ::access(path.c_str(), W_OK) == 0;
}

// A new file beside the path, open for writing, under a name that nobody uses.
Result<Descriptor> open_temporary(const String& path, String& name) {
    constexpr unsigned tries = 1000;
    for (unsigned i = 0; i < tries; ++i) {
        name = concat(path, ".", static_cast<std::int64_t>(::getpid()), ".", i, ".tmp");
        Descriptor descriptor = open_descriptor(name, O_WRONLY | O_CREAT | O_EXCL);
        if (descriptor.open()) return descriptor;
        if (errno == ENOENT && i == 0) {
            if (Result<void> made = make_parents(path); !made.ok()) return made.take_error();
        } else if (errno != EEXIST) {
            return failure("create", errno, path);
        }
    }
    return failure("create", EEXIST, path);
}

Result<void> write_through(Descriptor descriptor, std::string_view data, const String& path,
                           bool durable) {
    std::size_t written = 0;
    int number = write_all(descriptor.get(), data, written);
    if (number == 0 && durable && ::fsync(descriptor.get()) != 0) number = errno;
    int closed = descriptor.close();
    if (number == 0) number = closed;
    if (number != 0) return failure("write", number, path);
    return {};
}

// The name of a file is on the disk when its folder is.
Result<void> sync_folder(const String& path) {
    std::size_t slash = path.rfind('/');
    String folder = slash == String::npos ? String(".") : path.substr(0, slash + 1);
    Descriptor descriptor = open_descriptor(folder, O_RDONLY | O_DIRECTORY);
    // Some file systems have no such call for folders.
    if (!descriptor.open()) return failure("open the folder of", errno, path);
    if (::fsync(descriptor.get()) != 0 && errno != EINVAL) return failure("write", errno, path);
    return {};
}

// The content of a pipe or a device, given all at once.
Result<void> write_into(const String& path, std::string_view data) {
    constexpr int patience_ms = 1000;
    Result<Opened> opened = open_checked(path, O_WRONLY | O_NONBLOCK);
    for (int waited = 0; !opened.ok() && waits_for_reader(path) && waited < patience_ms;
         waited += 10) {
        (void)::poll(nullptr, 0, 10);
        opened = open_checked(path, O_WRONLY | O_NONBLOCK);
    }
    if (!opened.ok() && waits_for_reader(path)) {
        opened.error().message = "cannot write: nobody reads the pipe";
    }
    if (!opened.ok()) return opened.take_error();
    Descriptor& descriptor = opened.value().descriptor;
    for (;;) {
        std::size_t written = 0;
        int number = write_all_guarded(descriptor.get(), false, data, written);
        data.remove_prefix(written);
        if (number == 0) number = descriptor.close();
        if (number == 0) return {};
        if (number != EAGAIN && number != EWOULDBLOCK) return failure("write", number, path);
        if (!ready(descriptor.get(), POLLOUT, patience_ms)) {
            return Failure(REFLOW_ERROR_IO, "cannot write: the pipe is full and nobody reads it")
                .file(path);
        }
    }
}

// Where a link leads to, so that the file behind it is replaced and the link stays.
String behind_links(String path) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0 || !S_ISLNK(about.st_mode)) return path;
    char* real = ::realpath(path.c_str(), nullptr);
    if (real == nullptr) return path;
    path.assign(real);
    std::free(real);
    return path;
}

class FileStore final : public Store {
public:
    Result<std::unique_ptr<Reader>> open_reader(std::string_view path) override {
        Result<String> name = system_path(path);
        if (!name.ok()) return name.take_error();
        Result<Opened> opened = name.value() == "/dev/stdin"
                                    ? standard_input(name.value())
                                    : open_checked(name.value(), O_RDONLY | O_NONBLOCK);
        if (!opened.ok()) return opened.take_error();
        bool regular = S_ISREG(opened.value().about.st_mode);
        return std::unique_ptr<Reader>(
            new FileReader(std::move(name.value()), std::move(opened.value().descriptor), regular));
    }

    Result<std::unique_ptr<Writer>> open_writer(std::string_view path, bool append) override {
        Result<String> name = system_path(path);
        if (!name.ok()) return name.take_error();
        int flags = O_WRONLY | O_CREAT | O_NONBLOCK | (append ? O_APPEND : O_TRUNC);
        Result<Opened> opened = open_checked(name.value(), flags);
        if (!opened.ok() && waits_for_reader(name.value())) {
            return std::unique_ptr<Writer>(new PipeWriter(std::move(name.value())));
        }
        if (!opened.ok()) return opened.take_error();
        mode_t mode = opened.value().about.st_mode;
        return std::unique_ptr<Writer>(
            new FileWriter(std::move(name.value()), std::move(opened.value().descriptor), mode));
    }

    Result<std::unique_ptr<Writer>> open_writer_at(std::string_view path,
                                                   std::uint64_t position) override {
        Result<String> name = system_path(path);
        if (!name.ok()) return name.take_error();
        Result<Opened> opened = open_checked(name.value(), O_WRONLY | O_NONBLOCK);
        if (!opened.ok()) return opened.take_error();
        const struct stat& about = opened.value().about;
        if (!S_ISREG(about.st_mode) || static_cast<std::uint64_t>(about.st_size) < position) {
            return Failure(REFLOW_ERROR_IO, concat("the file is shorter than ", position, " bytes"))
                .file(path);
        }
        int descriptor = opened.value().descriptor.get();
        off_t end = static_cast<off_t>(position);
        if (::ftruncate(descriptor, end) != 0 || ::lseek(descriptor, end, SEEK_SET) < 0) {
            return failure("write", errno, path);
        }
        return std::unique_ptr<Writer>(new FileWriter(
            std::move(name.value()), std::move(opened.value().descriptor), about.st_mode));
    }

    Result<String> read_file(std::string_view path, std::uint64_t max_bytes) override {
        Result<String> name = system_path(path);
        if (!name.ok()) return name.take_error();
        Result<Opened> opened = open_checked(name.value(), O_RDONLY);
        if (!opened.ok()) return opened.take_error();
        auto too_large = [&] {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("the file is larger than ", max_bytes, " bytes"))
                .file(path);
        };
        const struct stat& about = opened.value().about;
        std::uint64_t expected = 0;
        if (S_ISREG(about.st_mode) && about.st_size > 0) {
            expected = static_cast<std::uint64_t>(about.st_size);
            if (expected > max_bytes) return too_large();
        }
        // Opened to block, and read as if it were regular: it waits for the other end of a pipe.
        FileReader reader(name.value(), std::move(opened.value().descriptor), true);
        // One byte more than expected, so that the end is seen without growing.
        constexpr std::uint64_t step = 64 * 1024;
        String content;
        std::size_t size = 0;
        content.resize(static_cast<std::size_t>(std::min(std::max(expected, step), max_bytes)) + 1);
        for (;;) {
            Result<std::size_t> got = reader.read({content.data() + size, content.size() - size});
            if (!got.ok()) return got.take_error();
            if (got.value() == 0) break;
            size += got.value();
            if (size > max_bytes) return too_large();
            if (size == content.size()) {
                content.resize(
                    static_cast<std::size_t>(std::min<std::uint64_t>(2 * size, max_bytes)) + 1);
            }
        }
        content.resize(size);
        return content;
    }

    Result<void> write_file(std::string_view path, std::string_view data) override {
        return replace(path, data, false);
    }
    Result<void> keep_versions(std::string_view path, std::uint32_t keep) override {
        Result<String> name = system_path(path);
        if (!name.ok()) return name.take_error();
        struct stat about {};
        if (::stat(name.value().c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
        auto version = [&](std::uint32_t number) { return concat(name.value(), ".", number); };
        // It is kept already where it was not replaced afterwards, since that has failed.
        struct stat kept {};
        const bool same = ::stat(version(1).c_str(), &kept) == 0 && kept.st_dev == about.st_dev &&
                          kept.st_ino == about.st_ino;
        if (same) return {};
        for (std::uint32_t i = keep; i > 1; --i) {
            if (::rename(version(i - 1).c_str(), version(i).c_str()) != 0 && errno != ENOENT) {
                return failure("rename", errno, path);
            }
        }
        // A second name for what is there: the first one never goes away.
        String first = version(1);
        if (::unlink(first.c_str()) != 0 && errno != ENOENT)
            return failure("replace", errno, first);
        if (::link(name.value().c_str(), first.c_str()) != 0) return failure("keep", errno, path);
        return {};
    }
    Result<void> write_durable(std::string_view path, std::string_view data) override {
        return replace(path, data, true);
    }

private:
    static Result<void> replace(std::string_view path, std::string_view data, bool durable) {
        Result<String> name = system_path(path);
        if (!name.ok()) return name.take_error();
        struct stat about {};
        bool exists = ::stat(name.value().c_str(), &about) == 0;
        if (exists && S_ISDIR(about.st_mode)) return failure("write", EISDIR, path);
        if (exists && !S_ISREG(about.st_mode)) {
            // Devices and pipes are written into; renaming over them would remove them.
            return write_into(name.value(), data);
        }
        String target = behind_links(std::move(name.value()));
        String temporary;
        Result<Descriptor> descriptor = open_temporary(target, temporary);
        if (!descriptor.ok()) return descriptor.take_error();
        if (exists) (void)::fchmod(descriptor.value().get(), about.st_mode & 07777);
        Result<void> written = write_through(std::move(descriptor.value()), data, target, durable);
        if (written.ok() && ::rename(temporary.c_str(), target.c_str()) != 0) {
            written = failure("replace", errno, target);
        }
        if (!written.ok()) (void)::unlink(temporary.c_str());
        if (written.ok() && durable) written = sync_folder(target);
        return written;
    }
};

}  // namespace

std::unique_ptr<Store> make_file_store() { return std::make_unique<FileStore>(); }

}  // namespace reflow::io
