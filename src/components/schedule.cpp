// Schedule: a source of packets at times of the wall clock.
// Neighbours: cron. Thread: see runtime/context.
#include <utility>

#include "components/batch.hpp"
#include "components/config.hpp"
#include "components/cron.hpp"
#include "components/schedule.hpp"
#include "message/count.hpp"

namespace reflow::components {
namespace {

class Schedule final : public Actor {
public:
    static Result<std::unique_ptr<Schedule>> create(Context& context) {
        Config config(context);
        std::unique_ptr<Schedule> made(new Schedule(config, context.store()));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet>) override {
        const std::int64_t wall_ms = context.wall_ms();
        const std::int64_t due_ms = wall_.next_ms;
        if (!std::exchange(begun_, true)) {
            wall_.begin(*times_, wall_ms);
        } else if (wall_.look(*times_, wall_ms)) {
            ++sent_;
            Message payload = payload_.none() ? Message::integer(due_ms) : payload_;
            if (Result<void> done = emit(context, 0, std::move(payload)); !done.ok()) return done;
        }
        if (sent_ == limit_ || wall_.next_ms == runtime::WallTimes::never) return {};
        reflow_status status = context.wake_after(wall_.wait_ns(wall_ms));
        if (status != REFLOW_OK) return Failure(status, "cannot set a timer");
        return {};
    }

    // What is to come next, so that a time that passes between a snapshot and the start that goes on
    // with it is not missed.
    Result<Message> save(Context&) override {
        ObjectBuilder state(3);
        state.set("sent", count_message(sent_));
        state.set("next_ms", begun_ ? Message::integer(wall_.next_ms) : Message::null());
        state.set("seen_ms", Message::integer(wall_.seen_ms));
        return state.finish();
    }
    Result<void> load(Context&, MessageRef saved, std::uint32_t) override {
        MessageRef next = saved.get("next_ms");
        MessageRef seen = saved.get("seen_ms");
        bool fits = saved_count(saved.get("sent"), sent_) && seen.is(REFLOW_KIND_INTEGER) &&
                    (next.is(REFLOW_KIND_INTEGER) || next.is(REFLOW_KIND_NULL));
        if (!fits) return bad_state("numbers of packets and times are expected");
        begun_ = next.is(REFLOW_KIND_INTEGER);
        wall_.next_ms = begun_ ? next.integer() : runtime::WallTimes::never;
        wall_.seen_ms = seen.integer();
        return {};
    }
    static constexpr std::uint32_t state_version = 1;

private:
    Schedule(const Config& config, Store& store) {
        Result<std::unique_ptr<CronTimes>> times =
            CronTimes::make(config.text("cron"), config.text("zone", ""), store);
        if (times.ok()) {
            times_ = std::move(times).take();
        } else {
            std::unique_ptr<Error> error = times.take_error();
            bool of_zone = error->status == REFLOW_ERROR_NOT_FOUND || !error->file.empty();
            String hint = std::exchange(error->hint, {});  // it is told once
            config.fail(of_zone ? "zone" : "cron", error->describe(), hint);
        }
        payload_ = config.find("payload").own();
        limit_ = static_cast<std::uint64_t>(config.integer("limit", 0, 0));
        if (limit_ == 0) limit_ = UINT64_MAX;
    }
    std::unique_ptr<CronTimes> times_;
    Message payload_;
    std::uint64_t limit_ = 0;
    std::uint64_t sent_ = 0;
    runtime::WallTimes wall_;
    bool begun_ = false;
};

}  // namespace

Result<runtime::ComponentRef> schedule() {
    return define<Schedule>({
        .id = "Schedule",
        .title = "Schedule",
        .description = "Emits a packet at times of the wall clock, told by a cron expression in a "
                       "time zone.",
        .category = "flow",
        .inports = {},
        .outports = {{"out", "any", "the payload, or the time in milliseconds since 1970"}},
        .config_schema = R"({"type":"object","additionalProperties":false,"required":["cron"],"properties":{
            "cron":{"type":"string","description":"minute, hour, day of the month, month, day of the week; a second may come first"},
            "zone":{"type":"string","default":"UTC","description":"time zone, such as Europe/Berlin"},
            "payload":{"description":"what is emitted instead of the time"},
            "limit":{"type":"integer","minimum":0,"default":0,"description":"ends after so many packets; 0: never"}},
            "examples":[{"cron":"* * * * * *","payload":{"report":"now"},"limit":1}]})",
        .max_batch = 1,
        .source = true,
    });
}

}  // namespace reflow::components
