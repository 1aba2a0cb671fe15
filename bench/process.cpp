// Starting a program, waiting for its one line, and ending it in any case.
#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "contender.hpp"

extern char** environ;

namespace bench {
namespace {

// The program in a process group of its own, so that its children end with it.
pid_t start(const std::vector<std::string>& command, int output) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    pid_t pid = -1;
    int failed = posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    errno = failed;
    return failed == 0 ? pid : -1;
}

// Reads up to the end of a line, or of the output, or of the time.
bool read_line(int input, std::uint64_t deadline, std::string& line) {
    char buffer[512];
    for (;;) {
        std::uint64_t now = now_ns();
        if (now >= deadline) return false;
        pollfd waiting{input, POLLIN, 0};
        int ready = poll(&waiting, 1, static_cast<int>((deadline - now) / 1'000'000 + 1));
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return false;
        ssize_t size = read(input, buffer, sizeof buffer);
        if (size <= 0) return true;
        line.append(buffer, static_cast<std::size_t>(size));
        std::size_t end = line.find('\n');
        if (end != std::string::npos) {
            line.resize(end);
            return true;
        }
    }
}

void read_pairs(Outcome& outcome) {
    std::istringstream words(outcome.line);
    std::string word;
    while (words >> word) {
        std::size_t equals = word.find('=');
        if (equals == std::string::npos) continue;
        outcome.numbers[word.substr(0, equals)] = std::strtod(word.c_str() + equals + 1, nullptr);
    }
}

struct Times {
    double all = 0, idle = 0, own = 0;  // seconds
};

Times read_times() {
    Times times;
    auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    std::ifstream file("/proc/stat");
    std::string name;
    file >> name;
    double value = 0;
    // user nice system idle iowait irq softirq steal; what follows is contained in these
    for (int column = 0; column < 8 && file >> value; ++column) {
        times.all += value / ticks;
        if (column == 3 || column == 4) times.idle += value / ticks;
    }
    for (int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage usage;
        getrusage(who, &usage);
        for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
            times.own += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
        }
    }
    return times;
}

}  // namespace

Disturbance::Disturbance() {
    Times times = read_times();
    all_ = times.all;
    idle_ = times.idle;
    own_ = times.own;
}

double Disturbance::share() const {
    Times times = read_times();
    double all = times.all - all_;
    if (all <= 0) return 0;
    double others = all - (times.idle - idle_) - (times.own - own_);
    return std::clamp(others / all, 0.0, 1.0);
}

Outcome run_program(const std::vector<std::string>& command, int timeout_s) {
    Outcome outcome;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        outcome.problem = std::strerror(errno);
        return outcome;
    }
    std::uint64_t begin = now_ns();
    pid_t pid = start(command, ends[1]);
    int reason = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        outcome.problem = "does not start: " + std::string(std::strerror(reason));
        return outcome;
    }
    std::uint64_t deadline = begin + static_cast<std::uint64_t>(timeout_s) * 1'000'000'000;
    bool in_time = read_line(ends[0], deadline, outcome.line);
    outcome.wall_ns = static_cast<double>(now_ns() - begin);
    if (!in_time) kill(-pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    close(ends[0]);
    if (!in_time) {
        outcome.problem = "no answer after " + std::to_string(timeout_s) + " s";
    } else if (WIFSIGNALED(status)) {
        outcome.problem = "ended by signal " + std::to_string(WTERMSIG(status));
    } else if (WEXITSTATUS(status) == UNSUPPORTED) {
        outcome.state = Outcome::State::UNSUPPORTED;
    } else if (WEXITSTATUS(status) != 0) {
        outcome.problem = "exit code " + std::to_string(WEXITSTATUS(status));
    } else {
        outcome.state = Outcome::State::DONE;
        read_pairs(outcome);
    }
    return outcome;
}

}  // namespace bench
