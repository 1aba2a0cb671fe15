// The peer "cjson": JSON by cJSON, into its tree and out of it.
#include <cjson/cJSON.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <utility>

#include "codec/documents.hpp"
#include "contender.hpp"

namespace bench {
namespace {

void enter(const cJSON* item, Checksum& sum) {
    if (cJSON_IsArray(item)) {
        sum.array(static_cast<std::size_t>(cJSON_GetArraySize(item)));
    } else if (cJSON_IsObject(item)) {
        sum.object(static_cast<std::size_t>(cJSON_GetArraySize(item)));
    } else if (cJSON_IsString(item)) {
        sum.text(item->valuestring);
    } else if (cJSON_IsNumber(item)) {
        sum.number(item->valuedouble);
    } else if (cJSON_IsBool(item)) {
        sum.boolean(cJSON_IsTrue(item) != 0);
    } else {
        sum.null();
    }
}

std::int64_t checksum(const cJSON* root) {
    Checksum sum;
    enter(root, sum);
    std::vector<const cJSON*> next{root->child};
    while (!next.empty()) {
        const cJSON* item = next.back();
        if (item == nullptr) {
            next.pop_back();
            continue;
        }
        next.back() = item->next;
        if (item->string != nullptr) sum.text(item->string);
        enter(item, sum);
        next.push_back(item->child);
    }
    return sum.value();
}

bool same_number(double a, double b) {
    return std::abs(a - b) <= std::max(std::abs(a), std::abs(b)) * DBL_EPSILON;
}

bool same_item(const cJSON* a, const cJSON* b) {
    auto same_text = [](const char* one, const char* other) {
        return one == other || (one != nullptr && other != nullptr && std::strcmp(one, other) == 0);
    };
    return (a->type & 0xff) == (b->type & 0xff) && same_text(a->string, b->string) &&
           same_text(a->valuestring, b->valuestring) && same_number(a->valuedouble, b->valuedouble);
}

// Whether two trees are the same but for the last bits of numbers, which cJSON does not always
// write.
bool same(const cJSON* a, const cJSON* b) {
    std::vector<std::pair<const cJSON*, const cJSON*>> next{{a, b}};
    while (!next.empty()) {
        auto& [one, other] = next.back();
        if (one == nullptr && other == nullptr) {
            next.pop_back();
            continue;
        }
        if (one == nullptr || other == nullptr || !same_item(one, other)) return false;
        std::pair<const cJSON*, const cJSON*> children{one->child, other->child};
        one = one->next;
        other = other->next;
        next.push_back(children);
    }
    return true;
}

int run(const Call& call) {
    bool read = call.shape == "json-read";
    if (!read && call.shape != "json-write") return UNSUPPORTED;
    const std::string& text = document(call.size).json;
    cJSON* tree = cJSON_ParseWithLength(text.data(), text.size());
    char* written = nullptr;
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        if (read) {
            cJSON_Delete(tree);
            tree = cJSON_ParseWithLength(text.data(), text.size());
        } else {
            cJSON_free(written);
            written = cJSON_PrintUnformatted(tree);
        }
    }
    std::uint64_t took = now_ns() - begin;
    if (tree == nullptr) return 1;
    if (written != nullptr) {
        cJSON* again = cJSON_Parse(written);
        cJSON_free(written);
        bool right = again != nullptr && same(tree, again);
        cJSON_Delete(again);
        if (!right) return 1;
    }
    std::int64_t sum = checksum(tree);
    cJSON_Delete(tree);
    return answer(took, call.n, sum);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::run(bench::read_call(argc, argv)); }
