// A small explicit-state model checker: all interleavings of a few threads, each step of which is
// one access to shared memory. A model is a plain struct with
//     static constexpr int threads;
//     bool step(int thread, std::vector<Model>& next) const;  // false: the thread cannot go on
//     std::string check() const;   // what is wrong in this state, or empty
//     std::string at_end() const;  // what is wrong if no thread can go on
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <vector>

namespace reflow::testing {

struct Explored {
    std::size_t states = 0;
    std::size_t ends = 0;
    std::string fault;  // the first that was found
};

template <typename Model>
Explored explore(const Model& first) {
    static_assert(std::is_trivially_copyable_v<Model>);
    static_assert(std::has_unique_object_representations_v<Model>);
    auto key = [](const Model& model) {
        return std::string(reinterpret_cast<const char*>(&model), sizeof model);
    };
    Explored result;
    std::unordered_set<std::string> seen{key(first)};
    std::vector<Model> open{first};
    std::vector<Model> next;
    while (!open.empty() && result.fault.empty()) {
        Model model = open.back();
        open.pop_back();
        ++result.states;
        result.fault = model.check();
        bool stuck = true;
        for (int thread = 0; thread < Model::threads; ++thread) {
            next.clear();
            if (!model.step(thread, next)) continue;
            stuck = false;
            for (const Model& state : next) {
                if (seen.insert(key(state)).second) open.push_back(state);
            }
        }
        if (stuck && result.fault.empty()) {
            ++result.ends;
            result.fault = model.at_end();
        }
    }
    return result;
}

}  // namespace reflow::testing
