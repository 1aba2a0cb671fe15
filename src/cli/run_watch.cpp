// Looks at a file by its time, size and number, a few times a second.
// Neighbours: run. Thread: main.
#include "cli/run_watch.hpp"

#include <sys/stat.h>

#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::chrono::milliseconds period{100};

void append_count(std::string& text, std::uint64_t count, std::string_view noun,
                  std::string_view verb) {
    if (count == 0) return;
    if (!text.empty()) text += ", ";
    text += grouped(count);
    text += ' ';
    text += noun;
    if (count != 1) text += 's';
    text += ' ';
    text += verb;
}

}  // namespace

Watch::Watch(std::string path) : path_(std::move(path)) {
    static_cast<void>(look(seen_));
    coming_ = seen_;
}

bool Watch::look(Stamp& to) const {
    struct stat about {};
    if (stat(path_.c_str(), &about) != 0) return false;
    to = {about.st_mtim.tv_sec, about.st_mtim.tv_nsec, about.st_ino, about.st_size};
    return true;
}

bool Watch::changed(Time now) {
    if (now < next_) return false;
    next_ = now + period;
    Stamp stamp;
    if (!look(stamp) || stamp == seen_) return false;
    const bool rests = stamp == coming_;
    coming_ = stamp;
    if (!rests) return false;
    seen_ = stamp;
    return true;
}

std::string change_text(const reflow_change& change) {
    std::string text;
    append_count(text, change.nodes_added, "node", "added");
    append_count(text, change.nodes_removed, "node", "removed");
    append_count(text, change.nodes_replaced, "node", "replaced");
    append_count(text, change.connections_added, "connection", "added");
    append_count(text, change.connections_removed, "connection", "removed");
    append_count(text, change.packets_dropped, "packet", "dropped");
    return text.empty() ? "nothing to do" : text;
}

}  // namespace cli
