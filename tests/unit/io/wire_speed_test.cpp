// How wires compare with raw TCP between two threads, in the same minute. Long: it measures. What
// it asks for is far below the budget, since other programs may run beside it; what it prints is to
// be read.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "io/wires.hpp"

using namespace wires;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

bool read_all(int number, char* to, std::size_t size) {
    while (size > 0) {
        ssize_t got = recv(number, to, size, 0);
        if (got <= 0) return false;
        to += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

// Two connected sockets over loopback.
struct Pair {
    Pair() {
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof to;
        bind(listener, reinterpret_cast<sockaddr*>(&to), sizeof to);
        ::listen(listener, 1);
        getsockname(listener, reinterpret_cast<sockaddr*>(&to), &length);
        one = socket(AF_INET, SOCK_STREAM, 0);
        EXPECT_EQ(connect(one, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
        other = accept(listener, nullptr, nullptr);
        close(listener);
    }
    ~Pair() {
        close(one);
        close(other);
    }
    int one = -1, other = -1;
};

double raw_round_trip(int count) {
    Pair pair;
    std::thread echo([&] {
        char letter[64];
        while (read_all(pair.other, letter, 64)) (void)!send(pair.other, letter, 64, MSG_NOSIGNAL);
    });
    std::vector<double> times;
    char letter[64] = {};
    for (int i = 0; i < count; ++i) {
        auto start = Clock::now();
        (void)!send(pair.one, letter, 64, MSG_NOSIGNAL);
        EXPECT_TRUE(read_all(pair.one, letter, 64));
        times.push_back(seconds_since(start));
    }
    shutdown(pair.one, SHUT_RDWR);
    echo.join();
    std::nth_element(times.begin(), times.begin() + count / 2, times.end());
    return times[static_cast<std::size_t>(count / 2)];
}

double raw_bytes_per_second(std::size_t size, std::size_t count) {
    Pair pair;
    auto start = Clock::now();
    std::thread sink([&] {
        std::string buffer(256 * 1024, '\0');
        std::size_t left = size * count;
        while (left > 0) {
            ssize_t got = recv(pair.other, buffer.data(), buffer.size(), 0);
            ASSERT_GT(got, 0);
            left -= static_cast<std::size_t>(got);
        }
    });
    std::string frame(size, 'r');
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t done = 0; done < size;) {
            ssize_t sent = send(pair.one, frame.data() + done, size - done, MSG_NOSIGNAL);
            if (sent <= 0) return 0;
            done += static_cast<std::size_t>(sent);
        }
    }
    sink.join();
    return static_cast<double>(size * count) / seconds_since(start);
}

class LongWireSpeed : public ::testing::TestWithParam<const char*> {
protected:
    void open() {
        // Each side has a host and so a thread of its own, as two processes have.
        auto listening = there->listen("127.0.0.1", 0, {}, door, &port);
        ASSERT_TRUE(listening.ok());
        auto dialed = here->dial(at(GetParam(), port), {}, ear);
        ASSERT_TRUE(dialed.ok());
        wire = std::move(dialed).take();
        ASSERT_TRUE(ear.wait_open());
    }
    ~LongWireSpeed() override {
        here.reset();
        there.reset();
        ear.wire = nullptr;
        for (auto& each : door.ears) each->wire = nullptr;
    }
    // Frames one way as fast as the queue takes them; bytes of payload a second.
    double one_way(std::size_t size, std::uint64_t count) {
        Ear* server = door.wait_ear();
        {
            std::lock_guard lock(bell.mutex);
            server->quiet_until = count;
        }
        auto start = Clock::now();
        for (std::uint64_t i = 0; i < count;) {
            std::uint64_t before = 0;
            {
                std::lock_guard lock(bell.mutex);
                before = ear.drained_count;
            }
            if (wire->send(String(size, 'w'), false) == REFLOW_OK) {
                ++i;
            } else {
                EXPECT_TRUE(bell.wait([&] { return ear.drained_count != before; }));
            }
        }
        EXPECT_TRUE(server->wait_frames(count));
        return static_cast<double>(size * count) / seconds_since(start);
    }
    Bell bell;
    Door door{bell};
    Ear ear{bell};
    std::unique_ptr<WireHost> here = host(), there = host();
    Ref<Wire> wire;
    std::uint16_t port = 0;
};

TEST_P(LongWireSpeed, OneWayInBatches) {
    door.prepare = [](Ear& each) { each.keeps = false; };
    open();
    constexpr std::size_t messages = 256, message = 64;
    double raw = raw_bytes_per_second(messages * message, 20'000);
    double bytes = one_way(messages * message, 20'000);
    std::printf("%s: %.1f million messages of 64 bytes a second, 256 in a frame\n", GetParam(),
                bytes / message / 1e6);
    EXPECT_GT(bytes, raw / 100);
}

TEST_P(LongWireSpeed, LargeFrames) {
    door.prepare = [](Ear& each) { each.keeps = false; };
    open();
    double raw = raw_bytes_per_second(100 * 1024, 20'000);
    double bytes = one_way(100 * 1024, 20'000);
    std::printf("%s: %.2f GB/s in frames of 100 KiB, raw TCP %.2f, ratio %.2f\n", GetParam(),
                bytes / 1e9, raw / 1e9, bytes / raw);
    EXPECT_GT(bytes, raw / 100);
}

TEST_P(LongWireSpeed, RoundTrip) {
    door.prepare = [](Ear& each) {
        each.echoes = true;
        each.keeps = false;
        each.quiet_until = UINT64_MAX;
    };
    ear.keeps = false;
    open();
    constexpr int count = 20'000;
    ear.quiet_until = count;
    double raw = raw_round_trip(count);
    // The wire's own thread asks again, as a peer does that answers what it received.
    std::vector<double> times;
    times.reserve(count);
    Clock::time_point start;
    ear.on_frame = [&](Wire& from, std::span<const std::byte>) {
        times.push_back(seconds_since(start));
        if (times.size() == count) return;
        start = Clock::now();
        from.send(String(64, 'p'), false);
    };
    start = Clock::now();
    wire->send(String(64, 'p'), false);
    ASSERT_TRUE(ear.wait_frames(count));
    std::nth_element(times.begin(), times.begin() + count / 2, times.end());
    double middle = times[count / 2];
    std::printf("%s: round trip %.1f us, raw TCP %.1f us, ratio %.2f\n", GetParam(), middle * 1e6,
                raw * 1e6, middle / raw);
    EXPECT_LT(middle, raw * 200);
}

INSTANTIATE_TEST_SUITE_P(Forms, LongWireSpeed, ::testing::Values("tcp", "ws"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
