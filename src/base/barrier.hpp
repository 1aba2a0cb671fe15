// A barrier that all threads of the process pass, for the sake of one: the others need none of their own.
// Neighbours: worker_pool. Thread: any.
#pragma once

namespace reflow {

// When it returns true each thread has passed a full barrier since it was called. False where the system does
// not do that.
[[nodiscard]] bool barrier_of_all_threads() noexcept;

}  // namespace reflow
