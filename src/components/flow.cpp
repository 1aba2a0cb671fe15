// Delay, Log, Counter: components that pass packets on.
// Neighbours: batch.hpp. Thread: see runtime/context.
#include <algorithm>
#include <limits>

#include "codec/json.hpp"
#include "components/batch.hpp"
#include "components/config.hpp"
#include "components/families.hpp"
#include "message/count.hpp"

namespace reflow::components {
namespace {

// Passes each packet on after a time, in order. Packets wait side by side, so the delay adds to
// the way of a packet and not to the time between two.
class Delay final : public Actor {
public:
    static Result<std::unique_ptr<Delay>> create(Context& context) {
        Config config(context);
        std::unique_ptr<Delay> made(new Delay(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        loaded_ = false;
        if (Result<void> done = release(context); !done.ok()) return done;
        std::size_t taken = std::min(inputs.size(), capacity_ - waiting_.size());
        std::uint64_t due = context.now_ns() + delay_ns_;
        for (std::size_t i = 0; i < taken; ++i) {
            waiting_.push_back({due, take(inputs[i])});
            (void)context.advance(i + 1);  // within the batch, so it cannot fail
        }
        if (!waiting_.empty()) {
            std::uint64_t now = context.now_ns();
            std::uint64_t next = waiting_.front().due;
            if (reflow_status status = context.wake_after(next > now ? next - now : 0);
                status != REFLOW_OK) {
                return Failure(status, "cannot set a timer");
            }
        }
        // Full: what is left stays in the inport and holds back whoever feeds it.
        if (taken < inputs.size()) (void)context.again();
        return {};
    }

    // Packets of a snapshot are kept until the first run, also if a start fails.
    void teardown(Context&) override {
        if (!loaded_) waiting_.clear();
    }
    // What waits, each with the time that is left of its delay.
    Result<Message> save(Context& context) override {
        std::uint64_t now = context.now_ns();
        ArrayBuilder all(waiting_.size());
        for (const Waiting& one : waiting_) {
            ObjectBuilder pair(2);
            pair.set("left_ns", count_message(one.due > now ? one.due - now : 0));
            pair.set("message", one.message);
            Result<Message> made = pair.finish();
            if (!made.ok()) return made;
            all.append(std::move(made).take());
        }
        return all.finish();
    }
    Result<void> load(Context& context, MessageRef saved, std::uint32_t) override {
        std::uint64_t now = context.now_ns();
        bool fits = saved.is(REFLOW_KIND_ARRAY) && saved.size() <= capacity_;
        if (!fits) return bad_state("more packets wait than 'capacity' allows");
        for (std::size_t i = 0; i < saved.size(); ++i) {
            std::uint64_t left = 0;
            MessageRef message = saved.at(i).get("message");
            if (message.none() || !saved_count(saved.at(i).get("left_ns"), left)) {
                return bad_state("a packet has no time");
            }
            waiting_.push_back({left > INT64_MAX - now ? INT64_MAX : now + left, message.own()});
        }
        loaded_ = true;
        return {};
    }
    static constexpr std::uint32_t state_version = 1;

private:
    struct Waiting {
        std::uint64_t due;
        Message message;
    };

    explicit Delay(const Config& config) {
        double ms = config.number("ms", 0);
        constexpr double most_ms = 1e12;
        if (!(ms >= 0 && ms <= most_ms)) {
            config.fail("ms", concat("expected 0 to ", most_ms, ", found ", ms));
            ms = 0;
        }
        delay_ns_ = static_cast<std::uint64_t>(ms * 1e6);
        capacity_ = static_cast<std::size_t>(config.integer("capacity", 1000, 1, 1'000'000'000));
    }

    // Emits what is due, as far as there is room, but one at least.
    Result<void> release(Context& context) {
        std::uint64_t now = context.now_ns();
        std::size_t room = std::max<std::size_t>(context.room(0), 1);
        for (; room > 0 && !waiting_.empty() && waiting_.front().due <= now; --room) {
            Message message = std::move(waiting_.front().message);
            waiting_.pop_front();
            if (Result<void> done = emit(context, 0, std::move(message)); !done.ok()) return done;
        }
        return {};
    }

    std::uint64_t delay_ns_ = 0;
    std::size_t capacity_ = 0;
    Deque<Waiting> waiting_;
    bool loaded_ = false;
};

// Shows each packet and passes it on.
class Log final : public Actor {
public:
    static Result<std::unique_ptr<Log>> create(Context& context) {
        Config config(context);
        std::unique_ptr<Log> made(new Log(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return for_each_input(context, inputs, {0}, [&](Packet& packet) -> Result<void> {
            line_.clear();
            if (!label_.empty()) append(line_, concat(label_, ": "));
            Result<void> written = codec::write_json(line_, MessageRef(packet.message));
            if (!written.ok()) return written;
            if (print_) {
                line_.push_back('\n');
                if (reflow_status status = context.print(line_); status != REFLOW_OK) {
                    return Failure(status, "cannot print");
                }
            } else {
                context.log(level_, line_);
            }
            if (!context.connected(0)) return {};
            return emit(context, 0, take(packet));
        });
    }

private:
    explicit Log(const Config& config)
        : label_(config.text("label", "")),
          level_(REFLOW_LOG_ERROR + static_cast<reflow_log_level>(config.choice(
                                        "level", {"error", "warn", "info", "debug", "trace"}, 2))),
          print_(config.flag("print", false)) {}

    String label_;
    reflow_log_level level_;
    bool print_;
    String line_;
};

// Counts packets and passes them on.
class Counter final : public Actor {
public:
    static Result<std::unique_ptr<Counter>> create(Context& context) {
        Config config(context);
        std::unique_ptr<Counter> made(new Counter(config));
        if (!config.ok()) return config.take_error();
        return made;
    }

    Result<void> run(Context& context, std::span<Packet> inputs) override {
        return for_each_input(context, inputs, {0, 1}, [&](Packet& packet) -> Result<void> {
            ++count_;
            if (context.connected(0)) {
                if (Result<void> done = emit(context, 0, take(packet)); !done.ok()) return done;
            }
            if (every_ == 0 || count_ % every_ != 0) return {};
            return tell(context);
        });
    }
    Result<void> finish(Context& context) override {
        // Told already, unless something came since.
        return told_ && last_told_ == count_ ? Result<void>() : tell(context);
    }
    Result<Message> save(Context&) override {
        ObjectBuilder object(3);
        object.set("count", Message::integer(count_));
        object.set("told", Message::boolean(told_));
        object.set("last_told", Message::integer(last_told_));
        return object.finish();
    }
    Result<void> load(Context&, MessageRef saved, std::uint32_t) override {
        std::uint64_t count = 0;
        std::uint64_t last = 0;
        if (!saved_count(saved.get("count"), count) || !saved_count(saved.get("last_told"), last)) {
            return bad_state("it has no count");
        }
        count_ = static_cast<std::int64_t>(count);
        last_told_ = static_cast<std::int64_t>(last);
        told_ = saved.get("told").boolean();
        return {};
    }
    static constexpr std::uint32_t state_version = 1;

private:
    explicit Counter(const Config& config)
        : every_(config.integer("every", 0, 0, std::numeric_limits<std::int64_t>::max())) {}

    Result<void> tell(Context& context) {
        told_ = true;
        last_told_ = count_;
        return emit(context, 1, Message::integer(count_));
    }

    std::int64_t every_;
    std::int64_t count_ = 0;
    std::int64_t last_told_ = 0;
    bool told_ = false;
};

Result<runtime::ComponentRef> delay() {
    return define<Delay>({
        .id = "Delay",
        .title = "Delay",
        .description =
            "Passes each packet on after a time, in order. Packets wait side by side; when "
            "'capacity' of them wait, senders are held back.",
        .category = "flow",
        .inports = {{.name = "in", .description = "any packet", .required = true}},
        .outports = {{.name = "out", .description = "the same packet, later"}},
        .config_schema =
            R"({"type": "object", "additionalProperties": false, "examples": [{"ms": 100}], "properties": {
            "ms": {"type": "number", "default": 0, "minimum": 0, "description": "milliseconds from the arrival of a packet to its departure"},
            "capacity": {"type": "integer", "default": 1000, "minimum": 1, "description": "packets that wait at most"}}})",
    });
}

Result<runtime::ComponentRef> log() {
    return define<Log>({
        .id = "Log",
        .title = "Log",
        .description = "Writes each packet as JSON to the log, or prints it, and passes it on.",
        .category = "flow",
        .inports = {{.name = "in", .description = "any packet", .required = true}},
        .outports = {{.name = "out", .description = "the same packet"}},
        .config_schema = R"({"type": "object", "additionalProperties": false,
            "examples": [{"label": "seen", "level": "info"}], "properties": {
            "label": {"type": "string", "default": "", "description": "text before each packet"},
            "level": {"type": "string", "enum": ["error", "warn", "info", "debug", "trace"], "default": "info", "description": "level in the log"},
            "print": {"type": "boolean", "default": false, "description": "print for a person instead of logging"}}})",
        .stateless = true,
    });
}

Result<runtime::ComponentRef> counter() {
    return define<Counter>({
        .id = "Counter",
        .title = "Count packets",
        .description = "Counts packets, passes them on, and emits the number.",
        .category = "flow",
        .inports = {{.name = "in", .description = "any packet", .required = true}},
        .outports = {{.name = "out", .description = "the same packet"},
                     {.name = "count",
                      .type = "integer",
                      .description = "packets so far; the last one is the total"}},
        .config_schema =
            R"({"type": "object", "additionalProperties": false, "examples": [{"every": 1000}], "properties": {
            "every": {"type": "integer", "default": 0, "minimum": 0, "description": "emit the number after so many packets, and not only at the end"}}})",
    });
}

}  // namespace

Result<void> flow_family(Components& all) {
    for (auto make : {delay, log, counter}) {
        Result<runtime::ComponentRef> made = make();
        if (!made.ok()) return made.take_error();
        all.push_back(std::move(made).take());
    }
    return {};
}

}  // namespace reflow::components
