// Which form frames take where the address has no scheme: agreed in the upgrade, on the same socket.
#include "io/wires.hpp"

using namespace wires;

namespace {

struct Case {
    bool dialler, acceptor, tcp_at_port;
    WireScheme expected;
};

class FormTest : public ::testing::TestWithParam<Case> {
protected:
    ~FormTest() override {
        wires_host.reset();
        ear.wire = nullptr;
        for (auto& each : door.ears) each->wire = nullptr;
    }
    Bell bell;
    Door door{bell};
    Ear ear{bell};
    std::unique_ptr<WireHost> wires_host = host();
};

TEST_P(FormTest, FramesArriveWhateverFormTheyTake) {
    door.prepare = [](Ear& each) { each.echoes = true; };
    PortOptions options = patient_port();
    options.wire.negotiates = GetParam().acceptor;
    options.tcp = GetParam().tcp_at_port;
    std::uint16_t port = 0;
    ASSERT_TRUE(wires_host->listen("127.0.0.1", 0, options, door, &port).ok());
    WireOptions own = patient_wire();
    own.negotiates = GetParam().dialler;
    auto address = WireAddress::parse("127.0.0.1:" + std::to_string(port));
    ASSERT_TRUE(address.ok() && address.value().any_form);
    auto made = wires_host->dial(address.value(), own, ear);
    ASSERT_TRUE(made.ok());
    Ref<Wire> wire = std::move(made).take();
    // Some go before anything is agreed on, and behind it.
    const std::string large(70'000, 'y');
    EXPECT_EQ(wire->send("first", true), REFLOW_OK);
    EXPECT_EQ(wire->send(String(large), false), REFLOW_OK);
    ASSERT_TRUE(ear.wait_open());
    EXPECT_EQ(wire->send("", false), REFLOW_OK);
    ASSERT_TRUE(ear.wait_frames(3));
    EXPECT_EQ(wire->scheme(), GetParam().expected);
    Ear* server = door.wait_ear();
    std::lock_guard lock(bell.mutex);
    EXPECT_EQ(server->wire->scheme(), GetParam().expected);
    EXPECT_EQ(ear.frames, (std::deque<std::string>{"first", large, ""}));
    EXPECT_EQ(ear.texts, (std::deque<bool>{true, false, false}));
}

INSTANTIATE_TEST_SUITE_P(Offers, FormTest,
                         ::testing::Values(Case{true, true, true, WireScheme::tcp},
                                           Case{false, true, true, WireScheme::ws},
                                           Case{true, false, true, WireScheme::ws},
                                           Case{true, true, false, WireScheme::ws}));

TEST(FormNameTest, AddressWithASchemeKeepsIt) {
    for (const char* text : {"ws://127.0.0.1:9", "wss://127.0.0.1:9", "tcp://127.0.0.1:9"}) {
        auto address = WireAddress::parse(text);
        ASSERT_TRUE(address.ok());
        EXPECT_FALSE(address.value().any_form);
    }
}

}  // namespace
