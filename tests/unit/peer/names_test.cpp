// Names of remote actors and the strategies against conflicts.
#include "peer/names.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/limits.hpp"

namespace reflow::peer {
namespace {

using Taken = std::map<std::string, NameUse, std::less<>>;

Result<String> choose(const Taken& taken, NameStrategy strategy, std::string_view manual = {},
                      RemoteName actor = {"mixer", "studio"}) {
    return choose_alias(actor, strategy, manual, [&](std::string_view name) {
        auto found = taken.find(name);
        return found == taken.end() ? NameUse::free : found->second;
    });
}

TEST(PeerNames, AutoAlias) {
    RemoteName actor{"data_processor", "analytics_network"};
    auto alias = [&](const Taken& taken) {
        return choose(taken, NameStrategy::auto_alias, {}, actor).take();
    };
    EXPECT_EQ(alias({{"data_processor", NameUse::local_actor}}),
              "analytics_network_data_processor");
    Taken taken{{"analytics_network_data_processor", NameUse::local_actor}};
    EXPECT_EQ(alias(taken), "analytics_network_data_processor_2");
    taken.emplace("analytics_network_data_processor_2", NameUse::alias);
    EXPECT_EQ(alias(taken), "analytics_network_data_processor_3");
}

TEST(PeerNames, AutoAliasEnds) {
    std::uint64_t asked = 0;
    Result<String> none = choose_alias({"a", "b"}, NameStrategy::auto_alias, {},
                                       [&](std::string_view) {
                                           ++asked;
                                           return NameUse::alias;
                                       });
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(none.error().message.find("maximum retries exceeded"), 0u);
    EXPECT_EQ(asked, limits::alias_attempts_count);
}

TEST(PeerNames, OtherStrategies) {
    EXPECT_EQ(choose({}, NameStrategy::network_prefix).value(), "studio_mixer");
    EXPECT_EQ(choose({}, NameStrategy::fully_qualified).value(), "studio::mixer");
    EXPECT_EQ(choose({}, NameStrategy::manual_alias, "security_validator").value(),
              "security_validator");
    EXPECT_EQ(choose({}, NameStrategy::fail).value(), "mixer");
    EXPECT_EQ(choose({}, NameStrategy::auto_alias, {}, {"oven/fire", "kiln"}).value(),
              "kiln_oven_fire");
}

TEST(PeerNames, Conflicts) {
    struct Case {
        NameStrategy strategy;
        const char* name;
        NameUse use;
        const char* text;
    };
    const Case cases[] = {
        {NameStrategy::fail, "mixer", NameUse::local_actor, "a local actor"},
        {NameStrategy::network_prefix, "studio_mixer", NameUse::remote_actor,
         "another remote actor"},
        {NameStrategy::fully_qualified, "studio::mixer", NameUse::alias, "an alias"},
        {NameStrategy::manual_alias, "desk", NameUse::alias, "an alias"},
    };
    for (const Case& one : cases) {
        Result<String> result = choose({{one.name, one.use}}, one.strategy, "desk");
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().status, REFLOW_ERROR_ALREADY_EXISTS);
        EXPECT_EQ(std::string(result.error().message),
                  std::string("name conflict: '") + one.name +
                      "' for mixer@studio is the name of " + one.text + " already");
    }
}

TEST(PeerNames, InvalidAliases) {
    const std::string long_name(limits::name_bytes + 1, 'a');
    for (std::string_view alias :
         {std::string_view(), std::string_view("a@b"), std::string_view("a/b"),
          std::string_view("a\nb"), std::string_view("\xff"), std::string_view("a\0", 2),
          std::string_view(long_name)}) {
        Result<String> result = choose({}, NameStrategy::manual_alias, alias);
        ASSERT_FALSE(result.ok()) << alias;
        EXPECT_EQ(result.error().message.find("invalid alias: "), 0u) << result.error().message;
    }
    EXPECT_EQ(check_alias("a/b").error().message, "invalid alias: the name 'a/b' holds '/'");
    EXPECT_TRUE(check_alias(std::string(limits::name_bytes, 'a')).ok());
    EXPECT_TRUE(check_alias("Ofen \xc3\xbc::1").ok());
}

TEST(PeerNames, RemoteNames) {
    EXPECT_EQ(parse_remote_name("recorder@alpha").value(), (RemoteName{"recorder", "alpha"}));
    EXPECT_EQ(parse_remote_name("oven/fire@kiln").value(), (RemoteName{"oven/fire", "kiln"}));
    EXPECT_EQ(parse_remote_name("a@b@c").value(), (RemoteName{"a@b", "c"}));
    EXPECT_EQ((RemoteName{"oven/fire", "kiln"}).text(), "oven/fire@kiln");
    EXPECT_TRUE(is_remote_name("a@b"));
    EXPECT_FALSE(is_remote_name("a"));
    const std::string long_name = std::string(300, 'a') + "@b";
    for (std::string_view bad : {std::string_view("recorder"), std::string_view("@alpha"),
                                 std::string_view("recorder@"), std::string_view("@"),
                                 std::string_view(), std::string_view("a\x01@b"),
                                 std::string_view("a@\xff"), std::string_view(long_name)}) {
        EXPECT_FALSE(parse_remote_name(bad).ok()) << bad;
    }
    EXPECT_EQ(parse_remote_name("recorder").error().message,
              "'recorder' is not the name of a remote actor: actor@network");
    EXPECT_EQ(parse_remote_name("@alpha").error().message, "the actor of '@alpha' is empty");
    EXPECT_FALSE(choose({}, NameStrategy::fail, {}, {"a", "b@c"}).ok());
    EXPECT_FALSE(choose({}, NameStrategy::fail, {}, {"", "b"}).ok());
}

}  // namespace
}  // namespace reflow::peer
