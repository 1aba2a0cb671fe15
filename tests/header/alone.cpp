// reflow.h has to compile as C++ with nothing before it, and twice.
#include "reflow.h"
#include "reflow.h"

static_assert(sizeof(reflow_message) == 16, "a message is passed by value in two registers");

int main() {
    reflow_runtime_options options{};
    return options.struct_size == 0 ? 0 : 1;
}
