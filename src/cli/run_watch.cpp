// Looks at files by their time, size and number, a few times a second.
// Neighbours: run. Thread: main.
#include "cli/run_watch.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "cli/handles.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::chrono::milliseconds period{100};
// Beyond them files of subgraphs are not looked at.
constexpr std::size_t max_files = 1000;

void find_files(reflow_message document, const std::filesystem::path& folder,
                std::vector<std::string>& found) {
    const reflow_message nodes = member(document, "processes");
    for (std::size_t i = 0; i < reflow_message_count(nodes); ++i) {
        const reflow_message node = member(nodes, key_at(nodes, i));
        const reflow_message spec = member(member(node, "metadata"), "componentSpec");
        if (text_member(spec, "type") != "subgraph") continue;
        const std::string_view file = text_member(spec, "file");
        if (!file.empty()) found.push_back((folder / file).lexically_normal().string());
        find_files(member(spec, "graph"), folder, found);
    }
}

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

Watch::Stamp Watch::look(const std::string& path) {
    struct stat about {};
    if (stat(path.c_str(), &about) != 0) return {};
    return {about.st_mtim.tv_sec, about.st_mtim.tv_nsec, about.st_ino, about.st_size};
}

void Watch::add(const std::string& path) {
    const Stamp now = look(path);
    files_.try_emplace(path, File{now, now});
}

void Watch::follow(const reflow_graph* graph) {
    Files old = std::move(files_);
    files_.clear();
    std::vector<std::string> found{path_};
    // More are found while it goes on. One that was seen keeps its stamp: what changed since that was
    // taken may not have been read.
    for (std::size_t i = 0; i < found.size() && files_.size() < max_files; ++i) {
        const std::string path = found[i];
        if (files_.count(path) != 0) continue;
        if (auto known = old.extract(path)) files_.insert(std::move(known));
        else add(path);
        Graph read;
        Message document;
        if (i > 0 && reflow_graph_load_file(view_of(path), Out(read), nullptr) != REFLOW_OK) continue;
        if (reflow_graph_to_message(i == 0 ? graph : read.get(), document.out(), nullptr) == REFLOW_OK) {
            find_files(document.get(), std::filesystem::path(path).parent_path(), found);
        }
    }
}

bool Watch::changed(Time now) {
    if (now < next_) return false;
    next_ = now + period;
    bool some = false;
    for (auto& [path, file] : files_) {
        const Stamp stamp = look(path);
        if (stamp.size < 0 || stamp == file.seen) continue;
        const bool rests = stamp == std::exchange(file.coming, stamp);
        if (rests) file.seen = stamp;
        some = some || rests;
    }
    return some;
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
