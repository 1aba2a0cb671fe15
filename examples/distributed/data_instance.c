/* data_instance: see examples/distributed/README.md. */
#include "instance.h"

int main(int argc, char **argv) {
    static const instance what = {.title = "Data Instance",
                                  .name = "data",
                                  .network = "data_instance",
                                  .data = true};
    return run_instance(argc, argv, &what);
}
