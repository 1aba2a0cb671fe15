// The list of the built-in components: one line for each family.
// Thread: any.
#include "components/actor.hpp"
#include "components/families.hpp"

namespace reflow::components {

Result<Vector<runtime::ComponentRef>> library() {
    using Family = Result<void> (*)(Vector<runtime::ComponentRef>&);
    static constexpr Family families[] = {
        csv_family, jsonl_family, transform_family, route_family,
        aggregate_family, rules_family, schema_family, flow_family, report_family, stream_family,
    };
    Vector<runtime::ComponentRef> all;
    for (Family family : families) {
        if (Result<void> added = family(all); !added.ok()) return added.take_error();
    }
    return all;
}

}  // namespace reflow::components
