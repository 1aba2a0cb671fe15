// Messages whose fate is told by a call, so that nobody waits for it: they wait here for room, and then for the
// word of the other side.
// Neighbours: peer (owns it, and its links), confirmations (the same for threads that wait). Thread: any; one lock,
// under which neither links nor hosts are called. What a link says of a packet may come before the call that has
// sent it returns.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/ref.hpp"
#include "peer/alarm.hpp"
#include "peer/link.hpp"
#include "peer/outcome.hpp"

namespace reflow::peer {

// What the peer does for them. Not called under a lock.
class DeliveryCarrier {
public:
    virtual ~DeliveryCarrier() = default;
    // A link to the network, if there is one.
    virtual Ref<Link> link_for(std::string_view network_id) = 0;
    virtual void call_later(std::uint64_t delay_ns, std::function<void()> call) = 0;
    virtual std::uint64_t delivery_now_ns() = 0;
};

class Deliveries {
public:
    explicit Deliveries(DeliveryCarrier& carrier) : carrier_(carrier) {}
    ~Deliveries();

    struct Address {
        std::string_view network_id, actor, port, source_actor;
    };
    // told is called once, unless this fails; it may have been when this returns. timeout_ns: UINT64_MAX for none.
    // REFLOW_ERROR_NOT_FOUND, _UNSUPPORTED, _LIMIT, _CLOSED, and what links say of the message.
    Result<void> send(const Address& to, Message message, std::uint64_t timeout_ns, OutcomeFn told);

    // ---- from the peer
    void writable(const Link& link, std::uint64_t channel);
    void confirmed(const Link& link, std::uint64_t channel, std::uint64_t packets);
    void lost(const Link& link, std::uint64_t channel, std::uint64_t number, reflow_status status,
              std::string_view text);
    void ended(const Link& link, std::string_view reason);
    // What has not been sent is lost; what has been is told as its links end.
    void stop();

private:
    struct Way;
    // waiting: in the queue of its way. busy: a thread gives it to a link. sent: in the table of its channel.
    enum class State : std::uint8_t { waiting, busy, sent, over };
    using DeadlineKey = std::pair<std::uint64_t, std::uint64_t>;  // when, and which letter
    struct Letter : RefCounted<Letter> {
        Message message;
        DeadlineKey deadline{UINT64_MAX, 0};
        OutcomeFn told;
        Ref<Way> way;
        State state = State::waiting;
        bool late = false;  // its time was over while it was busy
        const Link* link = nullptr;  // with `sent`
        std::uint64_t channel = 0, number = 0;
    };
    // All for one inport from one source, in their order.
    struct Way : RefCounted<Way> {
        String network_id, actor, port, source_actor;
        Deque<Ref<Letter>> waiting;
        bool pumping = false;  // a thread sends for it
        bool again = false;    // and has to look again
        String key;
    };
    // A channel of a link that letters have been given to.
    struct Track {
        Ref<Way> way;
        std::size_t sending = 0;      // threads inside of the link
        std::uint64_t confirmed = 0;  // packets from the beginning of the channel
        Map<std::uint64_t, Ref<Letter>> sent{};
        Map<std::uint64_t, std::pair<reflow_status, String>> early{};  // said of packets of those threads
        std::optional<String> ended{};
    };
    using TrackKey = std::pair<const Link*, std::uint64_t>;
    struct Verdict {
        Ref<Letter> letter;
        Outcome outcome = Outcome::delivered;
        reflow_status status = REFLOW_OK;
        String reason{};
    };
    using Verdicts = Vector<Verdict>;
    using Lock = std::unique_lock<std::mutex>;
    class Pumping;
    class Inside;

    // first: a letter whose failure is returned instead of being told.
    Result<void> pump(const Ref<Way>& way, const Letter* first);
    // False: there is no room.
    [[nodiscard]] Result<bool> send_one(const Ref<Letter>& letter, Verdicts& verdicts);
    [[nodiscard]] Result<bool> give(const Ref<Letter>& letter, Link& link, std::uint64_t channel,
                                    Verdicts& verdicts);
    void place_locked(const Ref<Letter>& letter, const TrackKey& key, std::uint64_t number,
                      Verdicts& verdicts);
    void judge_locked(const Ref<Letter>& letter, Outcome outcome, reflow_status status,
                      String reason, Verdicts& verdicts);
    void arm();
    void look_at_deadlines(std::uint64_t called_for_ns);
    static void tell(Verdicts& verdicts);

    DeliveryCarrier& carrier_;
    std::mutex mutex_;  // guards all below
    Map<String, Ref<Way>> ways_;  // that have letters waiting, or a thread
    Map<TrackKey, Track> tracks_;
    Map<DeadlineKey, Ref<Letter>> deadlines_;     // of those that are not over
    std::uint64_t last_ = 0;                      // letter
    Alarm alarm_;                                 // calls for these
    std::size_t waiting_ = 0;                     // letters that wait for room
    bool stopped_ = false;
};

}  // namespace reflow::peer
