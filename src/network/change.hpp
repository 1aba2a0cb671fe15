// A change of a network: the next topology beside the one there is, and the step from one to the
// other. Neighbours: build (what the graph wants), runtime/change (one actor). Thread: that of the
// caller, one change at a time.
//
//   prepare   everything is checked and made; the network knows nothing of it
//   set_up    setup of what was made
//   drain     what waits at nodes that go is worked off
//   freeze    the nodes that are touched rest, and are claimed
//   swap      nobody sends, nothing calls back: the other topology is put in place
//   finish    they go on; what has gone is torn down
//
// Whatever fails before swap() leaves the network as it was: ~Change lets go what it holds and
// tears down what it made.
#pragma once

#include <cstdint>
#include <optional>

#include "network/build.hpp"
#include "network/network.hpp"

namespace reflow::network {

class Change {
public:
    Change(Network& network, const ChangeOptions& options, bool running)
        : network_(network),
          options_(options),
          running_(running),
          before_(network.topology()),
          start_ns_(network.runtime().scheduler().clock().now_ns()) {}
    ~Change();
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

    // To the network of a graph; or only to one with another reader, which place says.
    Result<void> prepare(Ref<graph::SharedGraph> graph);
    void add_output(const Ref<Output>& output) { added_output_ = output; }
    Result<void> set_up();
    Result<void> drain();
    Result<void> freeze();
    Result<void> carry_states();
    Result<void> swap();
    void finish() noexcept;

    [[nodiscard]] const reflow_change& done() const noexcept { return done_; }

private:
    using Actor = runtime::Actor;
    static constexpr std::uint32_t nowhere = UINT32_MAX;

    // An actor that the change has in its hands.
    struct Touched {
        Ref<Actor> actor;
        bool stays = true;    // in the network
        bool frozen = false;  // asked to rest
        bool claimed = false;
        bool held = false;     // by a full target, when it was claimed
        bool stirred = false;  // its connections are others
        bool keeps_order = false;
        Vector<Actor::Rewired> outports;   // empty: its connections stay
        std::uint32_t position = nowhere;  // in the next topology
    };
    // What goes out of an actor, wished by the graph or by a reader.
    struct Wish {
        std::uint32_t from;  // position
        runtime::Connection connection;
    };
    struct Sent {  // an initial packet
        Actor* actor;
        const runtime::Packet* packet;
        bool waits;  // in the inport already, of an actor that was made
    };

    Result<void> count();
    void compare_nodes();
    void wish_links();
    void wish_readers();
    void wish_reader(Output& output, const Actor& from, std::uint32_t port, std::uint32_t index);
    void compare_connections();
    void compare_actor(std::uint32_t position, std::span<const std::uint32_t> wishes);
    void compare_port(const Actor& from, std::uint32_t port, runtime::Connections& wanted,
                      Actor::Rewired& made, bool& differs);
    void touch_target(const runtime::Connection& connection);
    void touch_lost(const Actor& gone);
    void compare_ports();
    void compare_initials();
    void number_inports();
    void find_drained();
    Touched& touch(Actor& actor);
    [[nodiscard]] Touched* find_touched(const Actor& actor) noexcept;
    // Whether that of `made_` goes on with the state of the one it replaces.
    [[nodiscard]] bool carries(std::size_t made) const noexcept;
    [[nodiscard]] static Result<void> carry_state(Actor& made, Actor& old);
    void inherit(Actor& made, const Actor& old);
    [[nodiscard]] bool born_paused(std::string_view id) const noexcept;
    [[nodiscard]] bool over() const noexcept;
    [[nodiscard]] bool claim_all() noexcept;
    void put_in_place() noexcept;
    void deliver_left(runtime::Connection& old) noexcept;
    void run_out(std::uint64_t packets) noexcept;
    void start_made() noexcept;
    void release_where_room() noexcept;
    void tell_closed() noexcept;
    void let_go() noexcept;
    void end_firings(Actor& actor) noexcept;
    void tear_down(Actor& actor) noexcept;
    void lose(const Actor& actor, const runtime::Deferred& firing,
              std::uint32_t attempts) noexcept;
    void write_letters(const Actor& actor, const Actor* now, const Queue<runtime::Packet>& inputs,
                       std::uint32_t attempts) noexcept;
    void write_letter(const Actor& actor, const Actor* now, const runtime::Packet& packet,
                      std::uint32_t attempts) noexcept;
    // Whether what waits at a node that has gone becomes letters. now: its successor, or NULL.
    [[nodiscard]] bool keeps_letters(const Actor* now) const noexcept {
        return options_.letters || (now != nullptr && !options_.drop);
    }

    Network& network_;
    const ChangeOptions options_;
    const bool running_;
    bool guarded_ = false;
    bool counted_ = false;
    bool swapped_ = false;
    Ref<Topology> before_;
    Ref<Topology> next_;
    const std::uint64_t start_ns_;
    std::unique_ptr<Builder> builder_;
    std::uint64_t actors_before_ = 0;  // counts, to be taken back
    std::uint64_t packets_before_ = 0;
    std::uint64_t packets_after_ = 0;
    std::uint64_t matched_ = 0;  // connections that are there before and after

    Vector<Touched> touched_;
    TextMap<std::uint32_t> touched_at_;  // by id: of the actors of `before_`
    Vector<Wish> wishes_;
    Vector<Ref<Actor>> made_;         // new, and claimed
    Vector<Ref<Actor>> gone_;         // removed or replaced
    Vector<std::uint32_t> replaces_;  // by made_: place in gone_, or nowhere
    struct Resized {                  // a port whose capacity the graph has changed
        const Actor* actor;
        std::uint32_t port;
    };
    Vector<Resized> resized_;
    std::size_t readers_senders_ = 0;  // of the reader that is looked at
    Vector<Ref<Output>> outputs_;      // that stay
    Vector<Ref<Output>> closed_;
    Ref<Output> added_output_;
    Vector<Actor*> group_actors_;
    Vector<runtime::Mailbox*> readers_;
    Vector<Sent> sent_;
    Vector<Actor*> feeders_;  // rest while what goes is drained
    Vector<Actor*> drained_;
    reflow_change done_{};
};

}  // namespace reflow::network
