// From statuses and errors of the engine to exceptions, and from exceptions to failures of firings.
#pragma once

#include "base.hpp"

namespace reflowpy {

// An error of the engine that ends itself. Use: Failure error; check(f(..., error.out()), error).
class Failure {
public:
    Failure() = default;
    Failure(const Failure &) = delete;
    Failure &operator=(const Failure &) = delete;
    ~Failure() { reflow_error_destroy(error_); }
    reflow_error **out()
    {
        reflow_error_destroy(error_);
        error_ = nullptr;
        return &error_;
    }
    [[nodiscard]] const reflow_error *get() const { return error_; }

private:
    reflow_error *error_ = nullptr;
};

// Sets the exception of the class that reflow.errors has for the status. error may be NULL; doing says
// what was tried then. Always NULL, so that a function can say: return raise_status(...).
PyObject *raise_status(reflow_status status, const reflow_error *error, const char *doing = "");

// True for REFLOW_OK; otherwise sets the exception.
bool check(reflow_status status, const Failure &error, const char *doing = "");

// Sets an exception of our own with the class for a status. hint may be empty.
PyObject *raise_text(reflow_status status, const std::string &message, const std::string &hint = "");

// Takes the exception that is set out of the interpreter, with its traceback; NULL if there is none.
PyObject *take_exception();

// The exception that is set now as a failure of the engine: "TypeError: ...", with its trace. The
// exception is taken out of the interpreter; *exception (may be NULL) gets it as a new reference.
struct Told {
    reflow_status status = REFLOW_ERROR_FAILED;
    std::string message;
    std::string hint;
    std::string trace;
    [[nodiscard]] reflow_failure failure() const;
};
Told tell_exception(PyObject **exception);

// A KeyboardInterrupt that was raised in an actor on this thread, the main one, whose program waits: the firing
// has failed, and the wait raises it when it can.
extern PyObject *kept_interrupt;
void keep_interrupt(PyObject *exception);
// Raises what was kept if this is the end of a call of the program; false if there is nothing.
bool raise_interrupt();
// The same for a call that has a result: its exception comes behind it.
void raise_interrupt_soon();

// "did you mean 'out'?" among names (a tuple of str), or the empty text.
std::string suggestion(PyObject *name, PyObject *names);

} // namespace reflowpy
