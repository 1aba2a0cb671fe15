// Section 8 of reflow.h: timers by number.
// Thread: that of the callback.
#include "base/text.hpp"
#include "capi/guard.hpp"
#include "capi/modules.hpp"
#include "runtime/actor.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

Result<void> timer_result(reflow_status status, std::uint32_t id) {
    if (status == REFLOW_OK) return {};
    if (status == REFLOW_ERROR_LIMIT) {
        return Failure(status, concat("timer ", id, " is beyond the last one, ",
                                      REFLOW_MAX_TIMERS - 1, " (REFLOW_MAX_TIMERS)"));
    }
    if (status == REFLOW_ERROR_INVALID_STATE) return Failure(status, "timers are set inside run only");
    return Failure(status, "out of memory");
}

}  // namespace

extern "C" {

reflow_status reflow_context_set_timer(reflow_context* context, uint32_t id, uint64_t delay_ns,
                                       reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (context == nullptr) return null_argument("context");
        return timer_result(context->set_timer(id, delay_ns, 0), id);
    });
}

reflow_status reflow_context_set_periodic(reflow_context* context, uint32_t id, uint64_t first_ns,
                                          uint64_t period_ns, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (context == nullptr) return null_argument("context");
        if (period_ns == 0) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("a timer of zero: the period of timer ",
                                                                 id, " is 0"))
                .hint("reflow_context_again goes on at once");
        }
        return timer_result(
            context->set_timer(id, first_ns == 0 ? period_ns : first_ns, period_ns), id);
    });
}

reflow_status reflow_context_set_cron(reflow_context* context, uint32_t id, reflow_view expression,
                                      reflow_view zone, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (context == nullptr) return null_argument("context");
        if (modules.cron == nullptr) return left_out("cron");
        Result<std::string_view> times = text_argument(expression, "expression");
        if (!times.ok()) return times.take_error();
        Result<std::string_view> place = text_argument(zone, "zone");
        if (!place.ok()) return place.take_error();
        auto made = modules.cron(times.value(), place.value(), context->store());
        if (!made.ok()) return made.take_error();
        return timer_result(context->set_timer(id, std::move(made).take()), id);
    });
}

reflow_status reflow_context_cancel_timer(reflow_context* context, uint32_t id,
                                          reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (context == nullptr) return null_argument("context");
        return timer_result(context->cancel_timer(id), id);
    });
}

uint64_t reflow_context_timers(const reflow_context* context) {
    return context == nullptr ? 0 : context->timers;
}

}  // extern "C"
