// One value in the configuration of a node, named by a path with dots.
// Neighbours: edit.cpp. Thread: one at a time.
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "graph/graph.hpp"

namespace reflow::graph {
namespace {

// "0", "17": digits only, without leading zeros.
std::optional<std::size_t> array_index(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    std::size_t value = 0;
    auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// A copy of an array with one element set, appended or, if value is none, removed.
Result<Message> with_element(MessageRef array, std::size_t index, Message value) {
    ArrayBuilder builder(array.size() + 1);
    for (std::size_t i = 0; i < array.size(); ++i) {
        if (i != index) {
            builder.append(array.at(i).own());
        } else if (!value.none()) {
            builder.append(std::move(value));
        }
    }
    if (index == array.size() && !value.none()) builder.append(std::move(value));
    return builder.finish();
}

class Path {
public:
    Path(std::string_view id, std::string_view key) : id_(id), key_(key) {}

    Result<Message> apply(MessageRef config, Message value) {
        if (auto fine = descend(config, value.none()); !fine.ok()) return fine.take_error();
        // From the innermost container outwards, each is copied with the changed one in it.
        while (!steps_.empty()) {
            const Step& step = steps_.back();
            auto changed = step.index ? with_element(step.container, *step.index, std::move(value))
                                      : with_key(step.container, step.name, std::move(value));
            if (!changed.ok()) return changed;
            value = std::move(changed).take();
            steps_.pop_back();
        }
        return value;
    }

private:
    struct Step {
        Message container;
        std::string_view name;
        std::optional<std::size_t> index;  // of an array
    };

    Failure fail(std::string_view upto, std::string_view reason) const {
        return Failure(REFLOW_ERROR_NOT_FOUND,
                       concat("no value '", key_, "' can be set in the configuration: ", reason))
            .node(id_)
            .path(upto);
    }

    Result<void> descend(MessageRef config, bool removing) {
        Message current = config.own();
        for (std::size_t start = 0; start <= key_.size();) {
            std::size_t end = std::min(key_.find('.', start), key_.size());
            std::string_view upto = key_.substr(0, start == 0 ? 0 : start - 1);
            std::string_view name = key_.substr(start, end - start);
            bool last = end == key_.size();
            if (name.empty()) return fail(upto, "a part of the path is empty");
            if (current.nothing() || current.none()) {
                auto empty = ObjectBuilder().finish();
                if (!empty.ok()) return empty.take_error();
                current = std::move(empty).take();
            }
            Step step{current, name, std::nullopt};
            if (current.is(REFLOW_KIND_ARRAY)) {
                step.index = array_index(name);
                if (!step.index || *step.index > current.size()) {
                    return fail(upto, concat("'", upto, "' is an array of ", current.size(),
                                             ", which has no place '", name, "'"));
                }
                current = current.at(*step.index).own();
            } else if (current.is(REFLOW_KIND_OBJECT)) {
                current = current.get(name).own();
            } else {
                return fail(upto, concat("'", upto, "' is ", current.kind_name(),
                                         ", which has no '", name, "'"));
            }
            if (removing && current.none()) return fail(upto, concat("there is no '", name, "'"));
            steps_.push_back(std::move(step));
            if (steps_.size() > REFLOW_MAX_DEPTH) {
                return Failure(REFLOW_ERROR_LIMIT,
                               concat("'", key_.substr(0, 40), "...' has more than ",
                                      REFLOW_MAX_DEPTH, " parts"))
                    .node(id_);
            }
            if (last) return {};
            start = end + 1;
        }
        return {};
    }

    std::string_view id_;
    std::string_view key_;
    Vector<Step> steps_;
};

}  // namespace

Result<void> Graph::set_config_value(std::string_view id, std::string_view key, Message value) {
    Node* node = find(id);
    if (node == nullptr) return no_node(id);
    auto changed = Path(id, key).apply(metadata_at(node->extras), std::move(value));
    if (!changed.ok()) return changed.take_error();
    set_metadata(*node, std::move(changed).take());
    return {};
}

}  // namespace reflow::graph
