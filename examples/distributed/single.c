/* The whole graph in one process: see examples/distributed/README.md. */
#include "instance.h"

int main(int argc, char **argv) {
    static const instance what = {
        .title = "Single Instance", .name = "api", .data = true, .ml = true, .api = true};
    return run_instance(argc, argv, &what);
}
