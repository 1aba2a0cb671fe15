// Types of ports.
// Thread: any.
#include "message/port_type.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "message/envelope.hpp"

namespace reflow {
namespace {

using Kind = PortType::Kind;

// In the order of PortType::Kind.
constexpr std::array<std::string_view, 13> names = {
    "any",   "flow",   "event",   "boolean", "integer", "float", "string",
    "bytes", "object", "encoded", "stream",  "array",   "option"};

bool has_element(Kind kind) noexcept { return kind == Kind::array || kind == Kind::option; }

// The kind of this name, or the number of names.
std::size_t find_name(std::string_view name) noexcept {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

Failure unknown_type(std::string_view name) {
    return Failure(REFLOW_ERROR_CONFIG, concat("unknown port type '", name, "'"))
        .hint(did_you_mean(name, names));
}

Failure too_deep() {
    return Failure(REFLOW_ERROR_LIMIT,
                   concat("port type nested deeper than ", limits::depth_count, " levels"));
}

}  // namespace

Result<PortType> PortType::parse(std::string_view text) {
    PortType type;
    std::string_view rest = text;
    std::size_t open = 0;
    for (;;) {
        std::size_t end = rest.find_first_of("<>");
        std::string_view name = rest.substr(0, end);
        std::size_t found = name.empty() && open == 0 ? 0 : find_name(name);
        if (found == names.size()) return unknown_type(text);
        Kind kind = static_cast<Kind>(found);
        bool bracket = end != std::string_view::npos && rest[end] == '<';
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
        type.chain_.push_back(kind);
        if (!bracket && has_element(kind)) type.chain_.push_back(Kind::any);
        if (type.chain_.size() > limits::depth_count) return too_deep();
        if (!bracket) break;
        rest.remove_prefix(1);
        ++open;
        if (kind == Kind::object) {
            std::size_t close = rest.find('>');
            if (close == std::string_view::npos || close == 0) return unknown_type(text);
            type.name_ = rest.substr(0, close);
            rest.remove_prefix(close);
            break;
        }
        if (!has_element(kind)) return unknown_type(text);
    }
    if (rest.size() != open || rest.find_first_not_of('>') != std::string_view::npos) {
        return unknown_type(text);
    }
    if (type.chain_.size() == 1 && type.chain_[0] == Kind::any) type.chain_.clear();
    return type;
}

Result<PortType> PortType::from_message(MessageRef json) {
    PortType type;
    if (json.none() || json.nothing()) return type;
    if (json.is(REFLOW_KIND_STRING)) return parse(json.text());
    for (MessageRef level = json;; level = level.get("value")) {
        MessageRef name = level.get("type");
        if (!name.is(REFLOW_KIND_STRING)) {
            return Failure(REFLOW_ERROR_CONFIG,
                           "a port type is an object with a text \"type\", or a text");
        }
        std::size_t found = find_name(name.text());
        if (found == names.size()) return unknown_type(name.text());
        Kind kind = static_cast<Kind>(found);
        type.chain_.push_back(kind);
        if (type.chain_.size() > limits::depth_count) return too_deep();
        MessageRef value = level.get("value");
        if (kind == Kind::object && value.is(REFLOW_KIND_STRING)) type.name_ = value.text();
        if (!has_element(kind)) break;
        if (value.none() || value.nothing()) {
            type.chain_.push_back(Kind::any);
            if (type.chain_.size() > limits::depth_count) return too_deep();
            break;
        }
    }
    if (type.chain_.size() == 1 && type.chain_[0] == Kind::any) type.chain_.clear();
    return type;
}

PortType PortType::of(MessageRef whole) {
    MessageRef message = payload_of(whole);
    PortType type;
    auto single = [&](Kind kind) {
        type.chain_.push_back(kind);
        return type;
    };
    switch (message.kind()) {
        case REFLOW_KIND_FLOW: return single(Kind::flow);
        case REFLOW_KIND_BOOLEAN: return single(Kind::boolean);
        case REFLOW_KIND_INTEGER: return single(Kind::integer);
        case REFLOW_KIND_FLOAT: return single(Kind::real);
        case REFLOW_KIND_STRING:
        case REFLOW_KIND_ERROR: return single(Kind::string);
        case REFLOW_KIND_BYTES: return single(Kind::bytes);
        case REFLOW_KIND_OBJECT: return single(Kind::object);
        case REFLOW_KIND_EVENT:
        case REFLOW_KIND_NETWORK_EVENT: return single(Kind::event);
        case REFLOW_KIND_ENCODED: return single(Kind::encoded);
        case REFLOW_KIND_STREAM: return single(Kind::stream);
        case REFLOW_KIND_NULL:
        case REFLOW_KIND_OPTIONAL:
            type.chain_.push_back(Kind::option);
            return single(Kind::any);
        case REFLOW_KIND_ARRAY: break;
        default: return type;
    }
    // The first element tells, if it is of a kind without elements and the others agree.
    type.chain_.push_back(Kind::array);
    MessageRef first = message.at(0);
    PortType inner = first.is(REFLOW_KIND_ARRAY) ? PortType() : of(first);
    for (std::size_t i = 1; i < message.size() && message.numbers_type() == 0; ++i) {
        if (message.at(i).kind() != first.kind()) return single(Kind::any);
    }
    if (inner.chain_.empty()) return single(Kind::any);
    type.chain_.insert(type.chain_.end(), inner.chain_.begin(), inner.chain_.end());
    return type;
}

String PortType::text() const {
    if (chain_.empty()) return String("any");
    String out;
    for (std::size_t i = 0; i < chain_.size(); ++i) {
        if (i > 0) out += '<';
        out += names[static_cast<std::size_t>(chain_[i])];
    }
    if (!name_.empty()) append(out, concat("<", name_, ">"));
    out.append(chain_.size() - 1, '>');
    return out;
}

Message PortType::to_message() const {
    Message inner;
    std::size_t levels = chain_.empty() ? 1 : chain_.size();
    for (std::size_t i = levels; i-- > 0;) {
        Kind kind = chain_.empty() ? Kind::any : chain_[i];
        ObjectBuilder builder(2);
        builder.set("type", Message::string(names[static_cast<std::size_t>(kind)]));
        if (kind == Kind::object && !name_.empty()) builder.set("value", Message::string(name_));
        if (has_element(kind)) builder.set("value", std::move(inner));
        // Cannot be too deep: the chain is at most depth_count long.
        inner = builder.finish().take();
    }
    return inner;
}

bool PortType::flows_into(const PortType& target) const noexcept {
    std::size_t a = 0;
    std::size_t b = 0;
    auto at = [](const Vector<Kind>& chain, std::size_t i) {
        return i < chain.size() ? chain[i] : Kind::any;
    };
    // Both chains shrink from the outside; each rule of the header drops a level or decides.
    for (;;) {
        Kind from = at(chain_, a);
        Kind to = at(target.chain_, b);
        if (from == Kind::any || to == Kind::any) return true;
        if (from == Kind::stream || to == Kind::stream) return true;
        if (from == Kind::bytes || to == Kind::bytes) return true;
        if (from == Kind::array && to == Kind::array) {
            ++a;
            ++b;
        } else if (from == Kind::option) {
            ++a;
            if (to == Kind::option) ++b;
        } else if (to == Kind::option) {
            ++b;
        } else if (from == Kind::object && to == Kind::object) {
            return name_.empty() || target.name_.empty() || name_ == target.name_;
        } else {
            return from == to || (from == Kind::integer && to == Kind::real);
        }
    }
}

bool PortType::takes(MessageRef whole) const {
    MessageRef message = payload_of(whole);
    if (any()) return true;
    if (message.is(REFLOW_KIND_ANY)) return true;
    return of(message).flows_into(*this);
}

}  // namespace reflow
