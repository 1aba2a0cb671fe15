/* reflow.h has to compile with nothing before it, and twice. */
#include "reflow.h"
#include "reflow.h"

int main(void) {
    static reflow_runtime_options options;
    options.struct_size = sizeof options;
    return options.struct_size == 0;
}
