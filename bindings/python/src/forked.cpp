// What a child of a fork knows of the call that it was made in: nothing but that thread is there.
#include "forked.hpp"

#include <unistd.h>

#include <chrono>

#include "errors.hpp"
#include "turn.hpp"

namespace reflowpy {

namespace {

const reflow_context *parents_call = nullptr; // the child was made in it; it is never over here
uint64_t forked_ns = 0;                       // when, on the clock of Context::begun_ns; 0: this is no child

void flush(const char *name)
{
    PyObject *file = PySys_GetObject(name); // borrowed
    if (file == nullptr || file == Py_None) return;
    Ref kept = Ref::borrow(file);
    Ref done(PyObject_CallMethod(kept.get(), "flush", nullptr));
    if (!done) PyErr_Clear();
}

// The status that SystemExit asks for, as multiprocessing has it.
int status_of_exit()
{
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Ref code(value != nullptr ? PyObject_GetAttrString(value, "code") : nullptr);
    if (!code) PyErr_Clear();
    if (!code || code.get() == Py_None) return 0;
    if (PyLong_Check(code.get()) != 0) {
        const long number = PyLong_AsLong(code.get());
        if (PyErr_Occurred() != nullptr) PyErr_Clear();
        return static_cast<int>(number & 0xff);
    }
    PySys_FormatStderr("%S\n", code.get());
    return 1;
}

} // namespace

void note_fork()
{
    const Turn *turn = Turn::now();
    parents_call = turn != nullptr ? turn->native() : nullptr;
    forked_ns = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

bool of_parent(const Context *context)
{
    if (forked_ns == 0) return false;
    if (context->native != nullptr) return context->native == parents_call;
    return context->task && context->begun_ns <= forked_ns;
}

bool raise_if_of_parent(const Context *context)
{
    if (!of_parent(context)) return false;
    raise_text(REFLOW_ERROR_FORKED,
               "the firing of node '" + std::string(PyUnicode_AsUTF8(context->info->name)) +
                   "' belongs to the process that this one is a fork of",
               "a child ends itself, by os._exit(), and gives what it has by a pipe, or multiprocessing");
    return true;
}

void end_if_forked(const reflow_context *native)
{
    if (forked_ns == 0 || native == nullptr || native != parents_call) return;
    int status = 1;
    if (PyErr_Occurred() == nullptr) {
        PySys_WriteStderr("reflow: process %ld is a fork that was made inside of an actor, which has returned here: "
                          "only its parent can go on; end such a process with os._exit()\n",
                          static_cast<long>(getpid()));
    } else if (PyErr_ExceptionMatches(PyExc_SystemExit) != 0) {
        status = status_of_exit();
    } else {
        PyErr_Print();
    }
    flush("stdout");
    flush("stderr");
    _exit(status);
}

} // namespace reflowpy
