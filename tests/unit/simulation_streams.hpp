// Streams of random networks: what each has been given and what came out of it, and the two ends as actors and
// hosts use them. Used by simulation.cpp.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "random.hpp"
#include "runtime/stream_actor.hpp"

namespace reflow::testing {

// How a writer leaves its stream.
enum class StreamEnd : std::uint8_t { ends, fails, drops };

// What a stream will be, by the value of the packet that it goes with: the same in every run.
struct StreamPlan {
    explicit StreamPlan(std::uint64_t value) : key(value) {}
    std::uint64_t key;
    [[nodiscard]] std::int64_t length() const { return static_cast<std::int64_t>(draw(1) % 10); }
    [[nodiscard]] StreamEnd end() const {
        const std::uint64_t way = draw(2) % 6;
        return way == 0 ? StreamEnd::fails : way == 1 ? StreamEnd::drops : StreamEnd::ends;
    }
    // Behind how many frames its reader leaves; -1: it does not.
    [[nodiscard]] std::int64_t leaves() const {
        return draw(3) % 5 == 0 ? static_cast<std::int64_t>(draw(4) % 6) : -1;
    }
    [[nodiscard]] std::uint32_t room() const { return static_cast<std::uint32_t>(1 + draw(5) % 4); }
    [[nodiscard]] bool by_bytes() const { return draw(6) % 3 == 0; }
    [[nodiscard]] bool observed_reliably() const { return draw(7) % 2 == 0; }
    // Whether its writer does not write all that it can at once.
    [[nodiscard]] bool pauses() const { return draw(8) % 2 == 0; }

private:
    [[nodiscard]] std::uint64_t draw(std::uint64_t what) const { return Random(key * 13 + what).next(); }
};

// All streams of a run. Thread: any.
class StreamBook {
public:
    struct Counts {
        std::uint64_t streams = 0, ended = 0, failed = 0, dropped = 0, unread = 0, left = 0;
        std::uint64_t frames = 0, discarded = 0, observed = 0, waits = 0;
    };
    // A stream begins, of a writer that will write so many frames; -1: as many as it likes.
    [[nodiscard]] std::size_t open(const StreamPlan& plan, std::int64_t length);
    void wrote(std::size_t id);
    void writer_over(std::size_t id, StreamEnd how, bool unread);
    void accepted(std::size_t id);
    void read(std::size_t id);
    void reader_over(std::size_t id, reflow_frame_kind kind, std::string_view text);
    void reader_left(std::size_t id);
    void observer_over();
    void waited();
    void fault(const std::string& text);
    // How many have an end that is open.
    [[nodiscard]] std::size_t open_ends() const;
    // With threads: false after a minute.
    [[nodiscard]] bool wait_until_over();
    // stopped: the network may have ended all of them anywhere.
    void check(bool stopped);
    [[nodiscard]] Counts counts() const;
    [[nodiscard]] std::vector<std::string> faults() const;

private:
    struct Record {
        explicit Record(const StreamPlan& of) : plan(of) {}
        StreamPlan plan;
        std::int64_t length = -1;
        std::int64_t written = 0, read = 0;
        bool writer_over = false, unread = false, accepted = false, reader_over = false, left = false;
        StreamEnd how = StreamEnd::ends;
        reflow_frame_kind kind = 0;  // of the last frame
        std::string text;
    };
    void check_one(std::size_t id, const Record& one, bool stopped);

    [[nodiscard]] std::size_t count_open() const;
    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::vector<Record> all_;
    Counts counts_;
    std::vector<std::string> faults_;
};

// One end that writes. pump() answers REFLOW_OK when it is over, REFLOW_ERROR_WOULD_BLOCK when it
// waits, and REFLOW_ERROR_TIMEOUT; with most, REFLOW_ERROR_LIMIT behind so many frames. ends: it ends
// its stream when it has written all.
class WritingEnd {
public:
    WritingEnd(StreamBook& book, std::size_t id, StreamPlan plan, std::int64_t length,
               std::unique_ptr<runtime::StreamWriter> writer)
        : book_(&book), id_(id), plan_(plan), length_(length), writer_(std::move(writer)) {}
    reflow_status pump(std::int64_t timeout_ms, std::int64_t most = INT64_MAX, bool ends = true);
    // One frame more; REFLOW_ERROR_CLOSED when nobody can read it.
    reflow_status write(std::int64_t timeout_ms);
    void end(StreamEnd how);
    [[nodiscard]] bool over() const { return writer_ == nullptr; }
    [[nodiscard]] std::int64_t next() const { return next_; }
    [[nodiscard]] const StreamPlan& plan() const { return plan_; }
    void lengthen(std::int64_t by) { length_ += by; }
    [[nodiscard]] runtime::StreamWriter& writer() { return *writer_; }
    // For who pushes its frames.
    [[nodiscard]] Message frame() const;
    void wrote();
    void unread();

private:
    StreamBook* book_;
    std::size_t id_;
    StreamPlan plan_;
    std::int64_t length_;
    std::int64_t next_ = 0;
    std::unique_ptr<runtime::StreamWriter> writer_;
};

// One end that reads, or observes.
class ReadingEnd {
public:
    ReadingEnd(StreamBook& book, std::size_t id, StreamPlan plan, bool observes, bool reliable,
               std::unique_ptr<runtime::StreamReader> reader);
    reflow_status pump(std::int64_t timeout_ms, std::size_t batch);
    [[nodiscard]] bool over() const { return reader_ == nullptr; }
    // For who passes frames on one by one: the next one, which stays.
    reflow_status front(reflow_frame_kind& kind, Message& frame);
    // It was data and goes.
    void pop();
    void take(reflow_frame_kind kind, const Message& frame);
    void leave();
    // What has come so far, for traces.
    [[nodiscard]] std::int64_t next() const { return next_; }

private:
    void take_data(const Message& frame);
    StreamBook* book_;
    std::size_t id_;
    StreamPlan plan_;
    bool observes_, reliable_;
    bool begun_ = false;
    std::int64_t next_ = 0;
    std::unique_ptr<runtime::StreamReader> reader_;
};

// The options of a stream with that number. large: nobody ever waits for room.
[[nodiscard]] runtime::Stream::Options stream_options(std::size_t id, const StreamPlan& plan,
                                                      bool large);

}  // namespace reflow::testing
