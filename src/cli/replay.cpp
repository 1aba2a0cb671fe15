// `reflow replay`: a recorded run once more.
// Neighbours: reflow.h section 15. Thread: main.
#include <algorithm>

#include "cli/console.hpp"
#include "cli/files.hpp"
#include "cli/handles.hpp"
#include "cli/interrupts.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

using Recording = Handle<reflow_x_recording, reflow_x_recording_destroy>;
using Replay = Handle<reflow_x_replay, reflow_x_replay_destroy>;

// Firings between two looks at events and Ctrl-C.
constexpr std::uint64_t firings_at_once = 256;

struct Printing {
    Console& console;
    bool to_error;
};

reflow_status print_hook(void* self, reflow_view, reflow_view text) {
    Printing& printing = *static_cast<Printing*>(self);
    const bool terminal = printing.to_error ? printing.console.error_is_terminal()
                                            : printing.console.output_is_terminal();
    std::string safe;
    if (terminal) append_safe(safe, text_of(text), true);
    const std::string_view shown = terminal ? std::string_view(safe) : text_of(text);
    if (printing.to_error) {
        printing.console.note(shown);
        return REFLOW_OK;
    }
    return printing.console.write(shown) ? REFLOW_OK : REFLOW_ERROR_IO;
}

bool take_events(reflow_subscription* events, Console& console, bool shown) {
    bool some = false;
    for (;;) {
        EventBatch batch;
        if (reflow_subscription_poll(events, 256, 0, Out(batch), nullptr, nullptr) != REFLOW_OK) {
            return some;
        }
        for (std::size_t i = 0; i < reflow_event_batch_count(batch.get()); ++i) {
            some = true;
            Buffer line;
            if (!shown) continue;
            if (reflow_event_batch_json(batch.get(), i, Out(line), nullptr) == REFLOW_OK) {
                console.write(std::string(text_of(line)) + "\n");
            }
        }
    }
}

reflow_x_replay_state state_of(reflow_x_replay* replay) {
    reflow_x_replay_state state{};
    state.struct_size = sizeof state;
    reflow_x_replay_get_state(replay, &state);
    return state;
}

void tell(const Arguments& arguments, Console& console, const reflow_x_replay_state& state,
          bool stopped, const Problem* problem) {
    if (arguments.has("json")) {
        std::string json = "{\"status\":";
        append_json(json, problem != nullptr ? "different" : stopped ? "stopped" : "same");
        json += ",\"firings\":" + std::to_string(state.firings);
        json += state.truncated != 0 ? ",\"truncated\":true" : ",\"truncated\":false";
        json += ",\"reason\":";
        append_json(json, text_of(state.reason));
        json += ",\"error\":";
        if (problem != nullptr) {
            problem->append_to(json);
        } else {
            json += "null";
        }
        console.write(json + "}\n");
        return;
    }
    if (problem != nullptr) return;
    console.flush();
    std::string text = stopped ? "stopped after " : "the same ";
    text += grouped(state.firings) + " firings";
    if (state.truncated != 0) text += "; the recording ends there, before its run did";
    if (state.reason.size != 0) {
        text += ": ";
        append_safe(text, text_of(state.reason));
    }
    console.remark(text);
}

}  // namespace

int replay_run(const Arguments& arguments, Console& console) {
    interrupts::install({});
    const bool json = arguments.has("json");
    const bool shows = arguments.has("events");
    std::uint64_t left = UINT64_MAX;
    if (const auto text = arguments.get("until")) {
        left = integer_option("until", *text, 1, UINT64_MAX);
    }
    Printing printing{console, json || shows};
    Recording recording;
    Runtime runtime;
    Replay replay;
    Error error;
    const std::string path = arguments.get("FILE").value_or("");
    reflow_status status = reflow_x_recording_open(view_of(path), Out(recording), Out(error));
    check(status, error, exit_invalid);
    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    options.print = print_hook;
    options.user_data = &printing;
    must([&](reflow_error** e) { return reflow_x_recording_options(recording.get(), &options, e); },
         exit_failed);
    must([&](reflow_error** e) { return reflow_runtime_create(&options, Out(runtime), e); },
         exit_failed);
    status = reflow_x_replay_create(runtime.get(), recording.get(), Out(replay), Out(error));
    check(status, error, exit_invalid);
    reflow_event_options wanted{};
    wanted.struct_size = sizeof wanted;
    wanted.capacity = 1 << 20;
    wanted.kinds = shows ? shown_events : 1;
    Subscription events;
    must(
        [&](reflow_error** e) {
            return reflow_network_subscribe(reflow_x_replay_network(replay.get()), &wanted,
                                            Out(events), e);
        },
        exit_failed);
    bool more = true;
    while (more && left > 0 && status == REFLOW_OK) {
        const std::uint64_t some = std::min(left, firings_at_once);
        status = reflow_x_replay_run(replay.get(), some, &more, Out(error));
        if (left != UINT64_MAX) left -= some;
        take_events(events.get(), console, shows);
        console.flush(false);
    }
    const reflow_x_replay_state state = state_of(replay.get());
    if (status == REFLOW_OK) {
        tell(arguments, console, state, more, nullptr);
        return exit_ok;
    }
    const Problem problem = Problem::of(error);
    tell(arguments, console, state, false, &problem);
    throw ::cli::Failure{status == REFLOW_ERROR_PARSE ? exit_invalid : exit_failed, problem, {}};
}

}  // namespace cli
