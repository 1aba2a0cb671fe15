// One function for each family of built-in components; each appends its components.
// Neighbours: library.cpp calls them, <family>.cpp has them.
#pragma once

#include "components/actor.hpp"

namespace reflow::components {

using Components = Vector<runtime::ComponentRef>;

Result<void> csv_family(Components& all);        // csv.cpp: CsvRead, CsvWrite
Result<void> jsonl_family(Components& all);      // jsonl.cpp: JsonlRead, JsonlWrite
Result<void> transform_family(Components& all);  // transform.cpp: Map, Filter
Result<void> route_family(Components& all);      // route.cpp: Switch, Tee, Merge
Result<void> aggregate_family(Components& all);  // aggregate.cpp: GroupAggregate
Result<void> rules_family(Components& all);      // rules.cpp: RulesEngine
Result<void> schema_family(Components& all);     // schema.cpp: SchemaCheck
Result<void> flow_family(Components& all);       // flow.cpp: Delay, Log, Counter
Result<void> report_family(Components& all);     // report.cpp: TablePrint, Chart
Result<void> stream_family(Components& all);     // streams.cpp: StreamRead, StreamCollect, ...

}  // namespace reflow::components
