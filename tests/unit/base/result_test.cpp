#include "base/result.hpp"

#include <gtest/gtest.h>

namespace reflow {
namespace {

TEST(Result, AnErrorOnOneLineHasItsPlace) {
    Result<int> result = Failure(REFLOW_ERROR_PARSE, "bad number")
                             .file("f.json")
                             .at(3, 9, 40)
                             .node("a")
                             .port("in")
                             .path("$.x")
                             .hint("write digits")
                             .because(Failure(REFLOW_ERROR_IO, "disk").hint("buy one").take());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().describe(),
              "f.json:3:9: node 'a', port 'in': bad number at $.x (write digits): disk (buy one)");
    EXPECT_EQ(result.error().status, REFLOW_ERROR_PARSE);
    EXPECT_EQ(result.error().offset, 40u);
}

TEST(Result, PartsThatAreMissingLeaveNoTrace) {
    auto text = [](Failure&& failure) { return std::move(failure).take()->describe(); };
    EXPECT_EQ(text(Failure(REFLOW_ERROR_IO, "fact")), "fact");
    EXPECT_EQ(text(Failure(REFLOW_ERROR_IO, "fact").path("$")), "fact");
    EXPECT_EQ(text(Failure(REFLOW_ERROR_IO, "fact").at(2, 1, 9)), "line 2, column 1: fact");
    EXPECT_EQ(text(Failure(REFLOW_ERROR_IO, "fact").port("in")), "port 'in': fact");
    EXPECT_EQ(text(Failure(REFLOW_ERROR_IO, "fact").file("f")), "f: fact");
}

TEST(Result, PassesOnWhatItHas) {
    Result<String> fine = String("value");
    EXPECT_EQ(fine.value(), "value");
    EXPECT_EQ(std::move(fine).take(), "value");
    Result<void> nothing;
    EXPECT_TRUE(nothing.ok());
    Result<int> failed = Failure(REFLOW_ERROR_LIMIT, "too much");
    Result<void> passed = failed.take_error();
    ASSERT_FALSE(passed.ok());
    EXPECT_EQ(passed.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_FALSE(failed.ok());  // nobody takes a value that is not there
}

TEST(Result, LongChainsOfCausesAreText) {
    std::unique_ptr<Error> error = Failure(REFLOW_ERROR_IO, "0").take();
    for (int i = 1; i < 100; ++i) {
        error = Failure(REFLOW_ERROR_IO, "n").because(std::move(error)).take();
    }
    EXPECT_EQ(error->describe().size(), 99u * 3 + 1);
}

}  // namespace
}  // namespace reflow
