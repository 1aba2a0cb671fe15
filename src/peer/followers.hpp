// Outports of this process that peers follow: what is emitted there goes to each of them over its link, as
// fast as the slowest of them takes it. Neighbours: peer (owns it), link (carries), network (outputs).
// Thread: any; outputs are opened on a thread of its own, since that may wait for a turn to end.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string_view>

#include "base/ref.hpp"
#include "base/thread.hpp"
#include "network/network.hpp"
#include "peer/link.hpp"

namespace reflow::peer {

class Followers : public Allocated {
public:
    // Called on the thread of the followers, without a lock, and by stop() for what there is until then.
    using Log = std::function<void(reflow_log_level level, std::string_view text)>;
    explicit Followers(Log log, const io::ThreadHooks& hooks = {})
        : log_(std::move(log)), hooks_(hooks) {}
    ~Followers();

    struct Wish {
        std::uint64_t number = 0;  // of the link
        String actor, port;
        String replies_to;  // what packets of this sender have caused; empty: all
    };
    // Opens an output and tells the link how that went; what is not there is followed from the moment on that it comes,
    // or comes back. A number that is there already: nothing.
    void follow(const Ref<network::Network>& network, const Ref<Link>& link, Wish wish);
    void unfollow(const Link& link, std::uint64_t number);
    // The link has ended.
    void forget(const Link& link);
    // There is room on a channel again.
    void writable(const Link& link, std::uint64_t channel);
    // Outputs that could not be opened are tried again.
    void look_again();
    // Ends all, and its thread.
    void stop();

private:
    // One follower of one outport.
    struct Follower : RefCounted<Follower> {
        Ref<network::Network> network;
        Ref<Link> link;
        Wish wish;
        std::mutex mutex;  // guards all below; a link and an output are called under it
        Ref<network::Output> output;
        std::uint64_t channel = UINT64_MAX;
        struct Left {
            Message message;
            std::uint32_t index = REFLOW_NO_INDEX;
        };
        Vector<Left> left;  // taken, and not sent: there was no room
        bool told = false;  // the link knows why it hears nothing
        bool over = false;
    };
    static void run(void* self);
    void open(Follower& follower);
    void use(Follower& follower, const Ref<network::Output>& output);
    static void refuse(Follower& follower, std::string_view why);
    // Has a channel, which the link is told of. The mutex of the follower is held.
    [[nodiscard]] static Result<void> connect(Follower& follower);
    void pump(Follower& follower);
    static void pump_locked(Follower& follower, Vector<String>& warnings);
    // Packets that cannot go: to be told by the thread, since this may be in the turn of an actor.
    void warn(Vector<String>&& warnings);
    void tell_warnings(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] static bool wanted(const Follower& follower, MessageRef message);
    void end(Follower& follower);
    template <typename Which>
    void end_those(Which which);

    const Log log_;
    const io::ThreadHooks hooks_;
    std::mutex mutex_;  // guards all below; nothing is called under it
    std::condition_variable changed_;
    Vector<Ref<Follower>> all_;
    Vector<Ref<Follower>> to_open_;
    Vector<String> warnings_;  // not told yet
    std::size_t unsaid_ = 0;   // and so many more, for which there was no room
    Thread thread_;
    bool stopping_ = false;
};

}  // namespace reflow::peer
