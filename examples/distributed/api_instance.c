/* api_instance: see examples/distributed/README.md. */
#include "instance.h"

int main(int argc, char **argv) {
    static const instance what = {.title = "API Instance",
                                  .name = "api",
                                  .network = "api_instance",
                                  .api = true};
    return run_instance(argc, argv, &what);
}
