// Section 21 of reflow.h: actors of other networks that a host registers. Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "capi/peer_handle.hpp"
#include "peer/peer.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

namespace {

Result<Vector<String>> read_names(const reflow_view* from, std::size_t count,
                                  std::string_view name) {
    if (Result<void> fine = check_array(from, count, sizeof *from, name); !fine.ok()) {
        return fine.take_error();
    }
    Vector<String> names;
    for (std::size_t i = 0; i < count; ++i) {
        Result<std::string_view> one = text_argument(from[i], name);
        if (!one.ok()) return one.take_error();
        if (one.value().empty()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat(name, "[", i, "] is empty"));
        }
        names.emplace_back(one.value());
    }
    return names;
}

Result<peer::RemoteRegistration> read(const reflow_remote_actor_options* given) {
    peer::RemoteRegistration wanted;
    if (given == nullptr) return wanted;
    Result<reflow_remote_actor_options> fields =
        read_options(given, "reflow_remote_actor_options");
    if (!fields.ok()) return fields.take_error();
    const reflow_remote_actor_options& from = fields.value();
    if (from.strategy < 0 || from.strategy > REFLOW_NAME_FAIL) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("strategy ", from.strategy, " is no reflow_name_strategy"));
    }
    if (from.strategy != REFLOW_NAME_REMOTE) {
        wanted.strategy = static_cast<peer::NameStrategy>(from.strategy - 1);
    }
    Result<std::string_view> alias = text_argument(from.alias, "alias");
    if (!alias.ok()) return alias.take_error();
    wanted.alias = alias.value();
    // An alias says what is meant, as in a configuration.
    if (!wanted.alias.empty()) {
        if (!wanted.strategy) wanted.strategy = peer::NameStrategy::manual_alias;
        if (*wanted.strategy != peer::NameStrategy::manual_alias) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "only REFLOW_NAME_MANUAL_ALIAS takes an alias");
        }
    }
    auto inports = read_names(from.inports, from.inports_count, "inports");
    if (!inports.ok()) return inports.take_error();
    wanted.inports = std::move(inports).take();
    auto outports = read_names(from.outports, from.outports_count, "outports");
    if (!outports.ok()) return outports.take_error();
    wanted.outports = std::move(outports).take();
    auto words = read_names(from.capabilities, from.capabilities_count, "capabilities");
    if (!words.ok()) return words.take_error();
    wanted.capabilities = std::move(words).take();
    return wanted;
}
static_assert(static_cast<int>(peer::NameStrategy::auto_alias) + 1 == REFLOW_NAME_AUTO_ALIAS);
static_assert(static_cast<int>(peer::NameStrategy::fail) + 1 == REFLOW_NAME_FAIL);

}  // namespace

extern "C" {

reflow_status reflow_peer_register_remote_actor(reflow_peer* peer, reflow_view actor,
                                                reflow_view network,
                                                const reflow_remote_actor_options* options,
                                                reflow_message* node, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (node != nullptr) *node = {};
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        const Use use(handle_of(*peer));
        Result<peer::RemoteRegistration> wanted = read(options);
        if (!wanted.ok()) return wanted.take_error();
        Result<std::string_view> actor_text = text_argument(actor, "actor");
        if (!actor_text.ok()) return actor_text.take_error();
        Result<std::string_view> network_text = text_argument(network, "network");
        if (!network_text.ok()) return network_text.take_error();
        wanted.value().name = {String(actor_text.value()), String(network_text.value())};
        Result<String> made = peer_of(*peer).register_remote(wanted.value());
        if (!made.ok()) return made.take_error();
        if (node != nullptr) *node = Message::string(made.value()).leak();
        return {};
    });
}

}  // extern "C"

#else

extern "C" {

reflow_status reflow_peer_register_remote_actor(reflow_peer*, reflow_view, reflow_view,
                                                const reflow_remote_actor_options*,
                                                reflow_message* node, reflow_error** error) {
    if (node != nullptr) *node = {};
    return no_peers(error);
}

}  // extern "C"

#endif
