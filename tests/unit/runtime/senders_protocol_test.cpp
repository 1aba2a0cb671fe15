// Senders that wait for room at one port (runtime/mailbox.cpp) checked over all interleavings: a receiver lets
// go as many as there are places. Each fault that can be switched on has to be found by the search.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "runtime/explorer.hpp"

namespace reflow::testing {
namespace {

enum class SendersFault : std::uint8_t {
    none,
    stay_in_list,  // one that got its packet in for another reason stays among those who wait
    trust_dealer   // one that may give its packet to another port counts as one that takes a place
};

struct Senders {
    static constexpr int threads = 5;
    static constexpr std::size_t senders = 3;
    static constexpr int receiver = 3;
    static constexpr int other = 4;  // wakes a sender for something else, once
    enum : std::uint8_t { ready, pushed, notified, held, done };

    std::uint8_t capacity = 2;
    std::uint8_t dealer = 9;     // a sender that gives to another port when it has been let go
    SendersFault fault = SendersFault::none;
    std::uint8_t count = 0;      // packets in the port
    std::uint8_t woken = 0;      // by `other`
    std::uint8_t unsure = 0;
    std::uint8_t listed = 0;
    std::uint8_t going = 0;      // let go, and not told yet
    std::array<std::uint8_t, senders> list{};
    std::array<std::uint8_t, senders> go{};
    std::array<std::uint8_t, senders> at{};
    std::array<std::uint8_t, senders> has{1, 2, 1};
    std::array<std::uint8_t, senders> let{};

    [[nodiscard]] std::uint8_t places() const {
        return static_cast<std::uint8_t>(count < capacity ? capacity - count : 0);
    }
    void erase(std::uint8_t sender) {
        auto end = std::remove(list.begin(), list.begin() + listed, sender);
        listed = static_cast<std::uint8_t>(end - list.begin());
        std::fill(end, list.end(), std::uint8_t{0});
    }
    void push(std::uint8_t s) {
        const bool elsewhere = s == dealer && let[s] != 0;
        let[s] = 0;
        const std::uint8_t some = elsewhere ? std::uint8_t{0} : std::min(has[s], places());
        count = static_cast<std::uint8_t>(count + some);
        has[s] = static_cast<std::uint8_t>(elsewhere ? 0 : has[s] - some);
        const bool entered = std::find(list.begin(), list.begin() + listed, s) != list.begin() + listed;
        at[s] = has[s] == 0 ? done : pushed;
        // A dealer does not come to a port that it gives nothing to.
        if (has[s] == 0 && entered && !elsewhere && fault != SendersFault::stay_in_list) erase(s);
        if (has[s] == 0 || entered) return;
        list[listed++] = s;
        if (s == dealer && fault != SendersFault::trust_dealer) unsure = 1;
    }
    void take(std::uint8_t some) {
        count = static_cast<std::uint8_t>(count - some);
        if (count > capacity / 2) return;
        std::uint8_t most = unsure != 0 ? listed : std::min(listed, places());
        for (; most != 0; --most) {
            go[going++] = list[0];
            erase(list[0]);
        }
        if (listed == 0) unsure = 0;
    }
    void tell() {
        const std::uint8_t s = go[--going];
        go[going] = 0;
        if (at[s] == held) at[s] = ready;
        if (at[s] == pushed) at[s] = notified;
        let[s] = s == dealer;
    }

    bool step(int thread, std::vector<Senders>& next) const {
        auto add = [&](auto change) {
            Senders to = *this;
            change(to);
            next.push_back(to);
        };
        if (thread == receiver) {
            if (going != 0) return add([](Senders& to) { to.tell(); }), true;
            for (std::uint8_t some = 1; some <= count; ++some) add([&](Senders& to) { to.take(some); });
            return count != 0;
        }
        if (thread == other) {
            for (std::uint8_t s = 0; woken == 0 && s < senders; ++s) {
                if (at[s] != held) continue;
                add([&](Senders& to) { to.woken = 1, to.at[s] = ready; });
            }
            return !next.empty();
        }
        const auto s = static_cast<std::uint8_t>(thread);
        switch (at[s]) {
            case ready:
                return add([&](Senders& to) { to.push(s); }), true;
            case pushed:
                return add([&](Senders& to) { to.at[s] = held; }), true;
            case notified:
                return add([&](Senders& to) { to.at[s] = ready; }), true;
            default:
                return false;
        }
    }
    [[nodiscard]] std::string check() const { return count > capacity ? "the port holds too much" : ""; }
    [[nodiscard]] std::string at_end() const {
        for (std::uint8_t one : at) {
            if (one != done) return "a sender waits at a port with room";
        }
        return {};
    }
};

Explored search(int capacity, SendersFault fault, int dealer = 9) {
    Senders first;
    first.capacity = static_cast<std::uint8_t>(capacity);
    first.fault = fault;
    first.dealer = static_cast<std::uint8_t>(dealer);
    return explore(first);
}

TEST(SendersProtocol, NobodyIsForgotten) {
    for (int capacity : {1, 2, 3}) {
        for (int dealer : {9, 0, 1, 2}) {
            Explored found = search(capacity, SendersFault::none, dealer);
            EXPECT_EQ(found.fault, "") << capacity << " " << dealer;
            EXPECT_GT(found.ends, 0u);
        }
    }
}

TEST(SendersProtocol, FaultsAreFound) {
    EXPECT_NE(search(1, SendersFault::stay_in_list).fault, "");
    EXPECT_NE(search(1, SendersFault::trust_dealer, 0).fault, "");
}

}  // namespace
}  // namespace reflow::testing
