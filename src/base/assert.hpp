// REFLOW_ASSERT states an invariant of our own code; it is never a check of input.
// On in test and sanitizer builds (REFLOW_ASSERTIONS), nothing in release builds.
#pragma once

#if defined(REFLOW_ASSERTIONS) && REFLOW_ASSERTIONS
#define REFLOW_ASSERT(condition) \
    do {                         \
        if (!(condition)) __builtin_trap(); \
    } while (false)
#else
#define REFLOW_ASSERT(condition) \
    do {                         \
    } while (false)
#endif
