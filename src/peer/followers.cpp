// See followers.hpp. Thread: as there.
#include "peer/followers.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/envelope.hpp"

namespace reflow::peer {
namespace {

constexpr std::size_t most_taken = 64;  // packets that are taken at once, and may wait for room here
constexpr std::size_t most_warnings = 64;  // that wait to be told

}  // namespace

Followers::~Followers() { stop(); }

void Followers::follow(const Ref<network::Network>& network, const Ref<Link>& link, Wish wish) {
    Ref<Follower> made = make_ref<Follower>();
    made->network = network;
    made->link = link;
    made->wish = std::move(wish);
    std::string_view refusal;
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        std::size_t count = 0;
        for (const Ref<Follower>& one : all_) {
            if (one->link != link) continue;
            if (one->wish.number == made->wish.number) return;
            ++count;
        }
        if (count >= limits::peer_follows_count) {
            refusal = "the link follows too many outports";
        } else {
            if (!thread_.running() && !thread_.start("rf-follow", run, this).ok()) {
                refusal = "no thread could be started";
            } else {
                all_.push_back(made);
                to_open_.push_back(made);
            }
        }
    }
    if (!refusal.empty()) return link->tell_followed(made->wish.number, {}, refusal);
    changed_.notify_all();
}

void Followers::run(void* self) {
    auto& of = *static_cast<Followers*>(self);
    io::be_thread_of_peers();
    io::HookedThread inside(of.hooks_);
    std::unique_lock lock(of.mutex_);
    for (;;) {
        of.changed_.wait(lock, [&] {
            return of.stopping_ || !of.to_open_.empty() || !of.warnings_.empty();
        });
        of.tell_warnings(lock);
        if (of.stopping_) return;
        Vector<Ref<Follower>> all;
        all.swap(of.to_open_);
        lock.unlock();
        for (const Ref<Follower>& one : all) {
            try {
                of.open(*one);
            } catch (const std::bad_alloc&) {
                one->link->cut();  // it would wait for an answer
            }
        }
        all.clear();
        lock.lock();
    }
}

// Why nothing is heard is said once.
void Followers::refuse(Follower& follower, std::string_view why) {
    {
        std::lock_guard lock(follower.mutex);
        if (follower.over || std::exchange(follower.told, true)) return;
    }
    follower.link->tell_followed(follower.wish.number, {}, why);
}

void Followers::open(Follower& follower) {
    const Wish& wish = follower.wish;
    {
        std::lock_guard lock(follower.mutex);
        if (follower.over || follower.output) return;
    }
    if (!wish.replies_to.empty() && !follower.network->carries_envelopes()) {
        refuse(follower, "replies are told apart by envelopes, which the network there does not carry");
        return end(follower);
    }
    auto place = follower.network->topology()->resolve(wish.actor, wish.port, false);
    Result<Ref<network::Output>> output =
        follower.network->open_output(wish.actor, wish.port, 0, true);
    if (!output.ok()) return refuse(follower, output.error().message);  // it may be possible later
    use(follower, output.value());
    if (place.ok()) {
        Result<void> connected;
        {
            std::lock_guard lock(follower.mutex);
            if (!follower.over) connected = connect(follower);
        }
        if (!connected.ok()) {
            refuse(follower, connected.error().message);
            return end(follower);
        }
    } else {
        refuse(follower, place.error().message);
    }
    pump(follower);
}

// The other side knows the channel by its number; the name keeps it apart from others.
Result<void> Followers::connect(Follower& follower) {
    if (follower.channel != UINT64_MAX) return {};
    const Wish& wish = follower.wish;
    Result<std::uint64_t> made =
        follower.link->open_channel(wish.actor, concat("@", wish.number), wish.port);
    if (!made.ok()) return made.take_error();
    follower.channel = made.value();
    follower.link->tell_followed(wish.number, made.value(), {});
    return {};
}

// From now on it reads there.
void Followers::use(Follower& follower, const Ref<network::Output>& output) {
    output->readable.set([this, one = Ref<Follower>::share(&follower)] {
        try {
            pump(*one);
        } catch (const std::bad_alloc&) {
            // What was taken waits; the next call goes on.
        }
    });
    {
        std::lock_guard lock(follower.mutex);
        if (!follower.over) {
            follower.output = output;
            return;
        }
    }
    output->readable.set({});  // it has ended meanwhile
    output->close();
}

void Followers::look_again() {
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        for (const Ref<Follower>& one : all_) {
            if (std::find(to_open_.begin(), to_open_.end(), one) != to_open_.end()) continue;
            std::lock_guard inner(one->mutex);
            if (one->told && !one->over && !one->output) to_open_.push_back(one);
        }
        if (to_open_.empty()) return;
    }
    changed_.notify_all();
}

// Sends what has come, as much as there is room for.
void Followers::pump(Follower& follower) {
    Vector<String> warnings;
    {
        std::lock_guard lock(follower.mutex);
        pump_locked(follower, warnings);
    }
    if (!warnings.empty()) warn(std::move(warnings));
}

void Followers::pump_locked(Follower& follower, Vector<String>& warnings) {
    while (!follower.over && follower.output) {
        if (follower.left.empty()) {
            std::array<reflow_message, most_taken> raw{};
            std::array<std::uint32_t, most_taken> elements{};
            std::size_t count = 0;
            if (follower.output->recv_enveloped(raw, 0, count, elements.data()) != REFLOW_OK ||
                count == 0) {
                return;
            }
            for (std::size_t i = 0; i < count; ++i) {
                Message one = Message::adopt(raw[i]);
                if (wanted(follower, one)) follower.left.push_back({std::move(one), elements[i]});
            }
            if (follower.left.empty()) continue;
        }
        // Of an actor that has come since it was asked for.
        if (Result<void> made = connect(follower); !made.ok()) {
            if (made.error().status != REFLOW_ERROR_CLOSED) {
                warnings.push_back(concat("what ", follower.wish.actor, ".", follower.wish.port,
                                          " emits cannot go: ", made.error().message));
            }
            follower.over = true;
            return follower.output->close();
        }
        // Those of one element go together.
        Link::Sending sending;
        sending.index = follower.left[0].index;
        Vector<MessageRef> refs;
        for (const Follower::Left& one : follower.left) {
            if (one.index != sending.index) break;
            refs.emplace_back(one.message);
        }
        Result<std::size_t> sent = follower.link->send(follower.channel, refs, sending);
        if (!sent.ok() && sent.error().status == REFLOW_ERROR_CLOSED) {
            follower.over = true;
            return follower.output->close();  // and holds nobody back
        }
        std::size_t gone = sent.ok() ? sent.value() : 1;
        if (!sent.ok()) {
            warnings.push_back(concat("a packet of ", follower.wish.actor, ".",
                                      follower.wish.port, " cannot go to ",
                                      follower.link->remote().network_id, ": ",
                                      sent.error().message));
        }
        follower.left.erase(follower.left.begin(),
                            follower.left.begin() + static_cast<std::ptrdiff_t>(gone));
        if (gone == 0) return;  // writable() comes
    }
}

void Followers::warn(Vector<String>&& warnings) {
    {
        std::lock_guard lock(mutex_);
        for (String& one : warnings) {
            if (warnings_.size() < most_warnings) {
                warnings_.push_back(std::move(one));
            } else {
                ++unsaid_;
            }
        }
    }
    changed_.notify_all();
}

// The lock is not held while it is told: what hears it may end links, and the peer.
void Followers::tell_warnings(std::unique_lock<std::mutex>& lock) {
    Vector<String> all;
    all.swap(warnings_);
    const std::size_t more = std::exchange(unsaid_, 0);
    lock.unlock();
    for (const String& one : all) log_(REFLOW_LOG_WARN, one);
    if (more != 0) log_(REFLOW_LOG_WARN, concat(more, " more packets could not go"));
    lock.lock();
}

// The envelope of what is emitted is that of what has caused it, and tells who has sent that.
bool Followers::wanted(const Follower& follower, MessageRef message) {
    if (follower.wish.replies_to.empty()) return true;
    if (!is_enveloped(message)) return false;
    const reflow_envelope envelope = read_envelope(envelope_of(message));
    const Identity from = follower.link->remote();
    auto is = [](reflow_view view, std::string_view text) {
        return std::string_view(view.data, view.size) == text;
    };
    return is(envelope.source_actor, follower.wish.replies_to) &&
           is(envelope.source_network, from.network_id) &&
           is(envelope.source_instance, from.instance_id);
}

void Followers::end(Follower& follower) {
    Ref<network::Output> output;
    {
        std::lock_guard lock(follower.mutex);
        follower.over = true;
        output = std::move(follower.output);
        follower.left.clear();
    }
    if (!output) return;
    output->readable.set({});
    output->close();
}

template <typename Which>
void Followers::end_those(Which which) {
    Vector<Ref<Follower>> ended;
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Follower>& one : all_) {
            if (which(*one)) ended.push_back(one);
        }
        std::erase_if(all_, [&](const Ref<Follower>& one) { return which(*one); });
        std::erase_if(to_open_, [&](const Ref<Follower>& one) { return which(*one); });
    }
    for (const Ref<Follower>& one : ended) end(*one);
}

void Followers::unfollow(const Link& link, std::uint64_t number) {
    end_those([&](const Follower& one) {
        return one.link.get() == &link && one.wish.number == number;
    });
}

void Followers::forget(const Link& link) {
    end_those([&](const Follower& one) { return one.link.get() == &link; });
}

void Followers::writable(const Link& link, std::uint64_t channel) {
    Ref<Follower> found;
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Follower>& one : all_) {
            if (one->link.get() != &link) continue;
            std::lock_guard inner(one->mutex);
            if (one->channel == channel) found = one;
        }
    }
    if (found) pump(*found);
}

void Followers::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.running()) thread_.join();
    end_those([](const Follower&) { return true; });
}

}  // namespace reflow::peer
