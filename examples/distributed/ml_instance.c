/* ml_instance: see examples/distributed/README.md. */
#include "instance.h"

int main(int argc, char **argv) {
    static const instance what = {.title = "ML Instance",
                                  .name = "ml",
                                  .network = "ml_instance",
                                  .ml = true};
    return run_instance(argc, argv, &what);
}
