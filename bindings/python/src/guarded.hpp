// A handle that any thread may close while others use it: the last one that uses it ends it.
#pragma once

#include "bind.hpp"

#include <atomic>

namespace reflowpy {

// The numbers are changed with the interpreter's lock held; closed is read without it, too.
template <typename Handle, void (*Destroy)(Handle *)> class Guarded {
public:
    Guarded(Handle *taken, const char *name) : handle_(taken), name_(name) {}
    Guarded(const Guarded &) = delete;
    Guarded &operator=(const Guarded &) = delete;
    ~Guarded() { close(); }

    // The handle for the time of a call. Throws ClosedError if it is closed.
    class Use {
    public:
        explicit Use(Guarded &of) : of_(of)
        {
            if (of.closed_) {
                raise_text(REFLOW_ERROR_CLOSED, std::string("the ") + of.name_ + " is closed");
                throw py::error_already_set();
            }
            if (of.generation_ != fork_generation()) {
                raise_text(REFLOW_ERROR_FORKED, std::string("the ") + of.name_ +
                                                    " belongs to the process that this one is a fork of");
                throw py::error_already_set();
            }
            ++of_.uses_;
        }
        Use(const Use &) = delete;
        Use &operator=(const Use &) = delete;
        ~Use()
        {
            if (--of_.uses_ == 0 && of_.closed_) of_.end();
        }
        [[nodiscard]] Handle *get() const { return of_.handle_; }

    private:
        Guarded &of_;
    };

    [[nodiscard]] bool closed() const { return closed_.load(); }

    void close()
    {
        closed_ = true;
        if (uses_ == 0) end();
    }

private:
    void end()
    {
        Handle *ended = std::exchange(handle_, nullptr);
        if (ended == nullptr) return;
        unlocked([&] {
            Destroy(ended);
            return 0;
        });
    }

    Handle *handle_;
    const char *name_;
    unsigned uses_ = 0;
    uint32_t generation_ = fork_generation();
    std::atomic<bool> closed_{false};
};

} // namespace reflowpy
