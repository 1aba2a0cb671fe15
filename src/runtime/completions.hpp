// Finds the firing that a completion means. Neighbours: deferred, capi. Thread: any, one lock.
#pragma once

#include <cstdint>

#include "base/process.hpp"
#include "base/ref.hpp"
#include "runtime/deferred.hpp"

namespace reflow::runtime::completions {

// The id of a new completion; 0 if there are too many. Throws std::bad_alloc.
[[nodiscard]] std::uint64_t enter(Deferred& firing);
// Ends it: the reference that enter() added.
[[nodiscard]] Ref<Deferred> leave(std::uint64_t id) noexcept;
// The firing, or REFLOW_ERROR_CLOSED if it is over, REFLOW_ERROR_NOT_FOUND if there never was one,
// REFLOW_ERROR_FORKED in a child of the process whose table it is.
reflow_status find(std::uint64_t id, Ref<Deferred>& to) noexcept;

// A runtime begins and ends: without any the table owns no memory.
void attach(process::Life life) noexcept;
void detach() noexcept;
// In a forked child, before it has a runtime: what the parent had is left alone.
void forget() noexcept;

}  // namespace reflow::runtime::completions
