// Names and aliases of remote actors.
// Thread: any.
#include "peer/names.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/place.hpp"

namespace reflow::peer {
namespace {

constexpr std::string_view words[] = {"auto_alias", "network_prefix", "fully_qualified",
                                      "manual_alias", "fail"};

Failure invalid(std::string_view what, std::string_view problem) {
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat(what, " ", problem));
}

Result<void> check(std::string_view name, std::string_view what, std::string_view forbidden) {
    if (name.empty()) return invalid(what, "is empty");
    if (name.size() > limits::name_bytes) {
        return invalid(what, concat("has ", name.size(), " bytes; at most ", limits::name_bytes,
                                    " are allowed"));
    }
    if (auto bad = invalid_utf8(name)) {
        return Failure(REFLOW_ERROR_INVALID_UTF8, concat(what, " is not UTF-8 at its byte ", *bad));
    }
    bool control = std::any_of(name.begin(), name.end(), [](char c) {
        auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
    if (control) return invalid(what, "holds a control character");
    std::size_t at = name.find_first_of(forbidden);
    if (at == std::string_view::npos) return {};
    return invalid(what, concat("'", codec::show_text(name), "' holds ",
                                codec::show_byte(name[at])));
}

std::string_view use_words(NameUse use) noexcept {
    switch (use) {
        case NameUse::local_actor: return "a local actor";
        case NameUse::remote_actor: return "another remote actor";
        default: return "an alias";
    }
}

Result<String> numbered(const RemoteName& actor, const String& base, const NameLookup& lookup) {
    NameUse use = lookup(base);
    if (use == NameUse::free) return base;
    for (std::uint32_t n = 2; n <= limits::alias_attempts_count; ++n) {
        String name = concat(base, "_", n);
        if (name.size() > limits::name_bytes) break;
        if (lookup(name) == NameUse::free) return name;
    }
    return Failure(REFLOW_ERROR_LIMIT, concat("maximum retries exceeded: '", base, "' and up to ",
                                              limits::alias_attempts_count,
                                              " names after it are taken, for ", actor.text()));
}

}  // namespace

std::span<const std::string_view> strategy_words() noexcept { return words; }

String RemoteName::text() const { return concat(actor_id, "@", network_id); }

bool is_remote_name(std::string_view text) noexcept {
    return text.find('@') != std::string_view::npos;
}

Result<RemoteName> parse_remote_name(std::string_view text) {
    std::size_t at = text.rfind('@');
    if (at == std::string_view::npos) {
        return invalid(concat("'", codec::show_text(repair_utf8(text)), "'"),
                       "is not the name of a remote actor: actor@network");
    }
    RemoteName name{String(text.substr(0, at)), String(text.substr(at + 1))};
    String where = concat(" of '", codec::show_text(repair_utf8(text)), "'");
    if (Result<void> ok = check_id(name.actor_id, concat("the actor", where)); !ok.ok()) {
        return ok.take_error();
    }
    if (Result<void> ok = check_network_id(name.network_id, concat("the network", where));
        !ok.ok()) {
        return ok.take_error();
    }
    return name;
}

Result<void> check_network_id(std::string_view id, std::string_view what) {
    return check(id, what, "@");
}

Result<void> check_id(std::string_view id, std::string_view what) { return check(id, what, {}); }

Result<void> check_alias(std::string_view alias) {
    return check(alias, "invalid alias: the name", "@/");
}

Failure name_conflict(const RemoteName& actor, std::string_view name, NameUse use) {
    return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                   concat("name conflict: '", name, "' for ", actor.text(), " is the name of ",
                          use_words(use), " already"))
        .hint("choose an alias, or the strategy auto_alias");
}

Result<String> choose_alias(const RemoteName& actor, NameStrategy strategy,
                            std::string_view manual, const NameLookup& lookup) {
    if (Result<void> ok = check_id(actor.actor_id, "actor_id"); !ok.ok()) return ok.take_error();
    if (Result<void> ok = check_network_id(actor.network_id, "network_id"); !ok.ok()) {
        return ok.take_error();
    }
    String name;
    switch (strategy) {
        case NameStrategy::auto_alias:
        case NameStrategy::network_prefix:
            name = concat(actor.network_id, "_", actor.actor_id);
            break;
        case NameStrategy::fully_qualified:
            name = concat(actor.network_id, "::", actor.actor_id);
            break;
        case NameStrategy::manual_alias: name = manual; break;
        case NameStrategy::fail: name = actor.actor_id; break;
    }
    // oven/fire is an actor of a subgraph there; an alias is a node of the graph itself.
    if (strategy != NameStrategy::manual_alias) {
        std::replace_if(name.begin(), name.end(), [](char c) { return c == '/' || c == '@'; }, '_');
    }
    if (Result<void> ok = check_alias(name); !ok.ok()) return ok.take_error();
    if (strategy == NameStrategy::auto_alias) return numbered(actor, name, lookup);
    NameUse use = lookup(name);
    if (use != NameUse::free) return name_conflict(actor, name, use);
    return name;
}

}  // namespace reflow::peer
