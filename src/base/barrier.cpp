// See barrier.hpp. Thread: any.
#include "base/barrier.hpp"

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace reflow {

#ifdef __linux__
bool barrier_of_all_threads() noexcept {
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) return false;
    return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}
#else
bool barrier_of_all_threads() noexcept { return false; }
#endif

}  // namespace reflow
