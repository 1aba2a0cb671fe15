// One side of a stream, its writer or its reader: who may use it, and how a thread or an event loop waits.
#pragma once

#include "errors.hpp"
#include "handles.hpp"
#include "post.hpp"
#include "turn.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>

namespace reflowpy {

// Told by the engine that the side can go on, on any thread and without the lock of the interpreter. It
// wakes a thread that waits, and puts a number into the box of an event loop.
class Bell {
public:
    void ring()
    {
        const std::lock_guard lock(mutex_);
        rung_ = true;
        changed_.notify_all();
        if (box_ != nullptr) put(*box_, number_);
    }
    void reset()
    {
        const std::lock_guard lock(mutex_);
        rung_ = false;
    }
    void wait(int64_t ms)
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(ms), [&] { return rung_; });
    }
    void tell(std::shared_ptr<PostBox> box, uint64_t number)
    {
        const std::lock_guard lock(mutex_);
        box_ = std::move(box);
        number_ = number;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool rung_ = false;
    std::shared_ptr<PostBox> box_;
    uint64_t number_ = 0;
};

// A wait that ends because the runtime, with its network, has been closed.
constexpr reflow_status network_closed = -1001;

// All but closed() is for threads that hold the lock of the interpreter.
template <typename Handle, void (*Destroy)(Handle *),
          reflow_status (*Watch)(Handle *, reflow_stream_ready_fn, void *, reflow_destroy_fn,
                                 reflow_error **)>
class Side {
public:
    Side() = default;
    Side(const Side &) = delete;
    Side &operator=(const Side &) = delete;
    ~Side() { close(); }

    [[nodiscard]] bool there() const { return handle_ != nullptr; }
    [[nodiscard]] bool closed() const { return closed_.load(std::memory_order_relaxed); }
    [[nodiscard]] Handle *get() const { return handle_; }
    Bell &bell() { return *bell_; }

    // Takes a handle. False with an exception, and then it has been ended.
    bool open(Handle *taken)
    {
        Failure error;
        const reflow_status status = Watch(taken, &ring, new std::shared_ptr<Bell>(bell_), &forget,
                                           error.out());
        if (check(status, error)) handle_ = taken;
        else Destroy(taken);
        return status == REFLOW_OK;
    }

    // Whoever waits is woken and ends the handle.
    void close()
    {
        // Relaxed: it only says that a wait is not wanted any more; the bell's mutex orders the rest.
        closed_.store(true, std::memory_order_relaxed);
        bell_->ring();
        if (!busy_) end();
    }

    // For the time of a call that uses the handle.
    class Use {
    public:
        explicit Use(Side &of) : of_(of), good_(of.handle_ != nullptr && !of.closed() && !of.busy_)
        {
            if (good_) of_.busy_ = true;
        }
        ~Use()
        {
            if (!good_) return;
            of_.busy_ = false;
            if (of_.closed()) of_.end();
        }
        Use(const Use &) = delete;
        Use &operator=(const Use &) = delete;
        // False with an exception if the side is closed, or another thread uses it.
        [[nodiscard]] bool good(const char *doing) const
        {
            if (good_) return true;
            if (of_.handle_ == nullptr || of_.closed()) {
                raise_text(REFLOW_ERROR_CLOSED, "the stream is closed");
            } else {
                raise_text(REFLOW_ERROR_INVALID_STATE,
                           std::string("two threads ") + doing + " one stream at once");
            }
            return false;
        }

    private:
        Side &of_;
        bool good_;
    };

    // Calls attempt(timeout in ms) until it answers anything but that it has to wait, or the time is over.
    // The status; REFLOW_ERROR_TIMEOUT where it is over, interrupted with an exception set. A program waits for
    // nothing any more when its runtime, which may be NULL, is closed; what is there is still to be had.
    template <typename Attempt>
    reflow_status go_on(PyObject *of, const Timeout &timeout, Attempt &&attempt)
    {
        const Turn *turn = Turn::now();
        reflow_context *native = turn != nullptr ? turn->native() : nullptr;
        if (native == nullptr) {
            const Ref kept(Py_XNewRef(of));
            const auto *runtime = reinterpret_cast<const RuntimeObject *>(of);
            return wait_in_slices(timeout, [&](int64_t ms) -> reflow_status {
                if (closed()) return REFLOW_ERROR_CLOSED;
                const reflow_status status = attempt(ms);
                const bool waits = status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK;
                return waits && ms != 0 && runtime != nullptr && runtime->closed ? network_closed : status;
            });
        }
        const bool may_wait = turn->may_wait();
        return wait_in_slices(timeout, [&](int64_t ms) -> reflow_status {
            bell_->reset();
            const reflow_status status = attempt(0);
            if (status != REFLOW_ERROR_WOULD_BLOCK) return status;
            if (ms == 0) return status;
            if (!may_wait) return REFLOW_ERROR_WOULD_DEADLOCK;
            if (closed()) return REFLOW_ERROR_CLOSED;
            if (reflow_context_stopping(native)) return REFLOW_ERROR_CANCELLED;
            bell_->wait(ms);
            return REFLOW_ERROR_TIMEOUT; // the next slice looks again
        });
    }

private:
    static void ring(void *user_data) { (*static_cast<std::shared_ptr<Bell> *>(user_data))->ring(); }
    static void forget(void *user_data) { delete static_cast<std::shared_ptr<Bell> *>(user_data); }

    void end()
    {
        Handle *ended = std::exchange(handle_, nullptr);
        if (ended == nullptr || ending()) return;
        unlocked([&] {
            Destroy(ended);
            return 0;
        });
    }

    Handle *handle_ = nullptr;
    bool busy_ = false;
    std::atomic<bool> closed_{false};
    std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
};

} // namespace reflowpy
