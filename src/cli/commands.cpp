// The table of commands: the one place that the parser, the help and the completions come from.
// Thread: any, it never changes.
#include "cli/commands.hpp"

#include <array>

namespace cli {

namespace {

constexpr std::string_view levels = "error warn info debug trace";

constexpr Option help_option{.name = "help", .letter = 'h', .help = "Show help and end."};

constexpr auto graph_positional =
    std::to_array<Positional>({{"GRAPH",
                                "The graph: a file in JSON, YAML or MessagePack, or - for "
                                "standard input."}});

constexpr auto program_options = std::to_array<Option>({
    {.name = "version", .help = "Show the version and end."},
    help_option,
});
constexpr auto program_examples = std::to_array<Example>({
    {"reflow run pipeline.graph.json", "run a graph"},
    {"reflow top pipeline.graph.json", "watch it run"},
    {"reflow graph show pipeline.graph.json", "look at it"},
    {"reflow components", "see what nodes can be made of"},
});

constexpr auto peer_run_options = std::to_array<Option>({
    {.name = "config",
     .letter = 'c',
     .value = "FILE",
     .help = "The configuration, in TOML.",
     .offer = Offer::file},
    {.name = "graph",
     .letter = 'g',
     .value = "FILE",
     .help = "Run this graph; its nodes may stand for actors of other networks (actor@network).",
     .offer = Offer::file},
    {.name = "bind",
     .value = "ADDRESS:PORT",
     .help = "Listen there, whatever the configuration says."},
    {.name = "send",
     .value = "NETWORK:ACTOR:PORT:TEXT",
     .help = "Send one message when the peers are connected."},
    {.name = "log-level",
     .value = "LEVEL",
     .help = "What is logged; default info, or what the variable REFLOW_LOG says.",
     .offer = Offer::choices,
     .choices = levels},
    help_option,
});
constexpr auto peer_examples = std::to_array<Example>({
    {"reflow peer run --config alpha.toml", "listen, and log what comes"},
    {"reflow peer run --config beta.toml --send alpha:recorder:in:hello", "send a text to it"},
    {"reflow peer run --config beta.toml --graph beta.graph.json", "run a graph over both"},
});

constexpr auto discovery_serve_options = std::to_array<Option>({
    {.name = "bind",
     .letter = 'b',
     .value = "ADDRESS:PORT",
     .help = "Listen there; default 0.0.0.0:9000."},
    {.name = "entry-ttl-secs",
     .value = "N",
     .help = "Keep an entry for so long after its last registration; default 60."},
    {.name = "prune-interval-secs",
     .value = "N",
     .help = "Look so often for entries that are too old; default 15."},
    {.name = "token",
     .value = "TOKEN",
     .help = "Answer only to those who have this bearer token.",
     .excludes = "token-file"},
    {.name = "token-file",
     .value = "FILE",
     .help = "The same with the token in a file, so that no list of processes shows it.",
     .offer = Offer::file,
     .excludes = "token"},
    {.name = "certificate",
     .value = "FILE",
     .help = "Speak HTTPS as well, with this certificate in PEM; --key goes with it.",
     .offer = Offer::file},
    {.name = "key",
     .value = "FILE",
     .help = "The key of the certificate, in PEM.",
     .offer = Offer::file},
    {.name = "log-level",
     .value = "LEVEL",
     .help = "What is logged; default info, or what the variable REFLOW_LOG says.",
     .offer = Offer::choices,
     .choices = levels},
    help_option,
});
constexpr auto discovery_examples = std::to_array<Example>({
    {"reflow discovery serve --bind 127.0.0.1:9000", "for peers on this machine"},
    {"reflow discovery serve --token-file /etc/reflow/token", "for those who have the token"},
});

constexpr auto run_options = std::to_array<Option>({
    {.name = "set",
     .value = "NODE.KEY=VALUE",
     .help = "Set a value in the configuration of a node. KEY may be a path, such as "
             "rules.0.when. VALUE is JSON if it reads as JSON, otherwise it is text.",
     .repeats = true},
    {.name = "input",
     .value = "PORT=JSON",
     .help = "Send a packet after the start, in the order given. PORT is NODE.PORT or the name of "
             "an exposed inport; @FILE instead of JSON takes the content of a file.",
     .repeats = true},
    {.name = "output-dir",
     .value = "FOLDER",
     .help = "Write the files of all components that write files into this folder.",
     .offer = Offer::folder},
    {.name = "events",
     .value = "FILE",
     .help = "Write all events as JSON lines into a file; - is standard error.",
     .offer = Offer::file},
    {.name = "dead-letters",
     .value = "FILE",
     .help = "At the end write the dead letters that are left into a file, as JSON lines, or as "
             "MessagePack if its name ends in .msgpack; see reflow dlq.",
     .offer = Offer::file},
    {.name = "stats",
     .help = "At the end show on standard error what each node has done and how long its calls "
             "took, the busiest first. With --json the object has it under stats."},
    {.name = "watch",
     .help = "Apply the graph file to the running network whenever it changes, and go on until "
             "interrupted. A file that cannot run is told, and the old graph runs on."},
    {.name = "record",
     .value = "FILE",
     .help = "Record the run into a file, for reflow replay. The run is simulated: one thread and "
             "logical time, with --seed or seed 0.",
     .offer = Offer::file,
     .excludes = "threads inline watch checkpoint restore"},
    {.name = "json",
     .help = "Print one JSON object on standard output: status, duration, nodes, outputs, errors. "
             "What components print goes to standard error."},
    {.name = "timeout",
     .value = "SECONDS",
     .help = "Stop after this time, with exit code 4; what is under way may finish for up to 2 "
             "seconds."},
    {.name = "checkpoint",
     .value = "FILE",
     .help =
         "Write a snapshot of the run into a file again and again, from which --restore goes on.",
     .offer = Offer::file,
     .excludes = "inline seed"},
    {.name = "checkpoint-every",
     .value = "SECONDS",
     .help = "The time between two of them; 5 if not given."},
    {.name = "restore",
     .value = "FILE",
     .help = "Go on where the snapshot in this file was taken, with the same graph.",
     .offer = Offer::file},
    {.name = "threads",
     .value = "N",
     .help = "Number of threads, 1 to 256; one for each core if not given.",
     .excludes = "inline seed record"},
    {.name = "inline",
     .help = "Run everything on one thread.",
     .excludes = "threads seed record checkpoint"},
    {.name = "seed",
     .value = "N",
     .help = "Simulate: one thread, logical time, and an order of steps that is drawn from this "
             "seed, so that the run can be repeated exactly.",
     .excludes = "threads inline checkpoint"},
    {.name = "log-level",
     .value = "LEVEL",
     .help =
         "Least important log lines that are shown: error, warn, info, debug or trace. The default "
         "is info, or what REFLOW_LOG says.",
     .offer = Offer::choices,
     .choices = levels},
    {.name = "verbose", .letter = 'v', .help = "The same as --log-level debug."},
    {.name = "quiet", .letter = 'q', .help = "Show errors only: no progress, no summary, no log."},
    help_option,
});
constexpr auto run_examples = std::to_array<Example>({
    {"reflow run weather.graph.json", "run a graph to its end"},
    {"reflow run weather.graph.json --set read.path=other.csv --output-dir out",
     "with another input and output folder"},
    {"reflow run hello.graph.json --input 'name=\"world\"' --json",
     "send a packet in, get a result"},
    {"reflow run big.graph.yaml --timeout 60 --events events.jsonl", "with a limit and a protocol"},
    {"reflow run big.graph.yaml --stats", "where the time goes"},
    {"reflow run draft.graph.json --watch", "edit the graph while it runs"},
    {"reflow run long.graph.json --checkpoint long.snapshot", "so that it can be gone on with"},
    {"reflow run long.graph.json --restore long.snapshot", "go on with it"},
    {"reflow run test.graph.json --seed 7", "the same order of steps each time"},
    {"reflow run test.graph.json --record run.rec", "to be repeated by reflow replay run.rec"},
});

constexpr auto replay_positionals =
    std::to_array<Positional>({{"FILE", "A recording that reflow run --record has written."}});
constexpr auto replay_options = std::to_array<Option>({
    {.name = "until", .value = "N", .help = "Stop after so many firings."},
    {.name = "events", .help = "Print all events as JSON lines instead of what components print."},
    {.name = "json",
     .help = "Print one JSON object: status, firings, truncated, reason, error. What components "
             "print goes to standard error."},
    help_option,
});
constexpr auto replay_examples = std::to_array<Example>({
    {"reflow replay run.rec", "repeat a run and compare"},
    {"reflow replay run.rec --until 100 --events", "the events of its first 100 firings"},
});

constexpr auto debug_options = std::to_array<Option>({
    {.name = "set",
     .value = "NODE.KEY=VALUE",
     .help = "Set a value in the configuration of a node, as reflow run does.",
     .repeats = true},
    {.name = "input",
     .value = "PORT=JSON",
     .help = "Send a packet after the start, as reflow run does.",
     .repeats = true},
    {.name = "output-dir",
     .value = "FOLDER",
     .help = "Write the files of all components that write files into this folder.",
     .offer = Offer::folder},
    {.name = "seed", .value = "N", .help = "The order of steps is drawn from this seed; default 0."},
    {.name = "command",
     .letter = 'c',
     .value = "COMMAND",
     .help = "Carry out a command instead of reading standard input.",
     .repeats = true},
    {.name = "file",
     .letter = 'x',
     .value = "FILE",
     .help = "Carry out the commands in a file, after those of --command.",
     .offer = Offer::file},
    help_option,
});
constexpr auto debug_examples = std::to_array<Example>({
    {"reflow debug weather.graph.json", "step through a graph"},
    {"reflow debug weather.graph.json -c 'break sum if temp_max > 35' -c continue -c print",
     "without a terminal"},
});

constexpr auto top_options = std::to_array<Option>({
    {.name = "interval",
     .value = "SECONDS",
     .help = "Time between two looks, 0.05 to 86400; 1 if not given."},
    {.name = "sort",
     .value = "COLUMN",
     .help = "graph, node, fired, in, out, queue, p50, p99, failed or cpu (default).",
     .offer = Offer::choices,
     .choices = "graph node fired in out queue p50 p99 failed cpu"},
    {.name = "once", .help = "Look once, after one interval or when the graph is done, and end."},
    {.name = "json",
     .help = "Print a JSON object on a line of its own at each look, and at the end."},
    {.name = "set",
     .value = "NODE.KEY=VALUE",
     .help = "Set a value in the configuration of a node, as for run.",
     .repeats = true},
    {.name = "input",
     .value = "PORT=JSON",
     .help = "Send a packet after the start, as for run.",
     .repeats = true},
    {.name = "output-dir",
     .value = "FOLDER",
     .help = "Write the files of all components that write files into this folder.",
     .offer = Offer::folder},
    {.name = "timeout", .value = "SECONDS", .help = "Stop after this time, with exit code 4."},
    {.name = "threads",
     .value = "N",
     .help = "Number of threads, 1 to 256; one for each core if not given.",
     .excludes = "inline"},
    {.name = "inline", .help = "Run everything on one thread.", .excludes = "threads"},
    help_option,
});
constexpr auto top_examples = std::to_array<Example>({
    {"reflow top pipeline.graph.json", "watch a graph run"},
    {"reflow top pipeline.graph.json --sort queue --interval 0.5", "where packets wait"},
    {"reflow top pipeline.graph.json --json --interval 10 >> load.jsonl", "for a program"},
});

constexpr auto graph_examples = std::to_array<Example>({
    {"reflow graph validate pipeline.graph.json", "check it"},
    {"reflow graph show pipeline.graph.json --format svg --output pipeline.svg", "draw it"},
    {"reflow graph convert pipeline.graph.json pipeline.graph.yaml", "translate it"},
});

constexpr auto validate_options = std::to_array<Option>({
    {.name = "format",
     .value = "FORMAT",
     .help = "text (default) or json.",
     .offer = Offer::choices,
     .choices = "text json"},
    {.name = "json", .help = "The same as --format json."},
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "Write into a file.",
     .offer = Offer::file},
    {.name = "quiet", .letter = 'q', .help = "Print nothing; the exit code tells."},
    help_option,
});
constexpr auto validate_examples = std::to_array<Example>({
    {"reflow graph validate pipeline.graph.json", "list errors, warnings and notes"},
    {"reflow graph validate - < pipeline.graph.yaml", "read from standard input"},
    {"reflow graph validate pipeline.graph.json --json", "for a program"},
});

constexpr auto show_options = std::to_array<Option>({
    {.name = "format",
     .value = "FORMAT",
     .help =
         "text, json, mermaid, dot, svg or html. The default is what the name of --output says, "
         "otherwise text.",
     .offer = Offer::choices,
     .choices = "text json mermaid dot svg html"},
    {.name = "depth", .value = "N", .help = "Levels of subgraphs to expand; 0 if not given."},
    {.name = "dark", .help = "Colours for a dark background."},
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "Write into a file.",
     .offer = Offer::file},
    help_option,
});
constexpr auto show_examples = std::to_array<Example>({
    {"reflow graph show pipeline.graph.json", "on the terminal"},
    {"reflow graph show pipeline.graph.json -o pipeline.svg", "as a drawing"},
    {"reflow graph show pipeline.graph.json --format dot | dot -Tpng > pipeline.png",
     "through Graphviz"},
});

constexpr auto convert_positionals = std::to_array<Positional>({
    {"IN", "The graph to read, or - for standard input."},
    {"OUT", "The file to write, or - for standard output."},
});
constexpr auto convert_options = std::to_array<Option>({
    {.name = "to",
     .value = "FORMAT",
     .help = "json, yaml or msgpack. The default is what the name of OUT says, otherwise json.",
     .offer = Offer::choices,
     .choices = "json yaml msgpack"},
    help_option,
});
constexpr auto convert_examples = std::to_array<Example>({
    {"reflow graph convert pipeline.graph.json pipeline.graph.yaml", "by the names"},
    {"reflow graph convert pipeline.graph.yaml - --to json", "to standard output"},
});

constexpr auto components_positionals = std::to_array<Positional>({
    {"NAME", "A component, to see its ports, its configuration and an example.", false,
     Offer::component},
});
constexpr auto components_options = std::to_array<Option>({
    {.name = "json", .help = "Print what is known as JSON."},
    help_option,
});
constexpr auto components_examples = std::to_array<Example>({
    {"reflow components", "list them"},
    {"reflow components Map", "all about one"},
    {"reflow components --json", "for a program"},
});

constexpr auto dlq_examples = std::to_array<Example>({
    {"reflow run pipeline.graph.json --dead-letters dead.jsonl", "keep what failed"},
    {"reflow dlq list dead.jsonl", "look at it"},
    {"reflow dlq replay dead.jsonl pipeline.graph.json", "try it again"},
});
constexpr auto dlq_file = std::to_array<Positional>({
    {"FILE", "Dead letters, as reflow run --dead-letters writes them; - for standard input."},
});
constexpr auto dlq_json_options = std::to_array<Option>({
    {.name = "json", .help = "Print JSON for a program."},
    help_option,
});
constexpr auto dlq_list_examples = std::to_array<Example>({
    {"reflow dlq list dead.jsonl", "one on a line: number, time, node, error"},
    {"reflow dlq list dead.jsonl --json", "all of it as an array"},
});
constexpr auto dlq_show_positionals = std::to_array<Positional>({
    {"FILE", "Dead letters; - for standard input."},
    {"N", "The number of a letter, as reflow dlq list shows it.", true, Offer::nothing},
});
constexpr auto dlq_show_examples = std::to_array<Example>({
    {"reflow dlq show dead.jsonl 3", "with its packets and its trace"},
});
constexpr auto dlq_drop_positionals = std::to_array<Positional>({
    {"FILE", "Dead letters; the file is replaced."},
    {"N", "Numbers of letters, as reflow dlq list shows them.", false, Offer::nothing, {}, true},
});
constexpr auto dlq_drop_options = std::to_array<Option>({
    {.name = "all", .help = "Drop all letters."},
    {.name = "json", .help = "Print JSON for a program."},
    help_option,
});
constexpr auto dlq_drop_examples = std::to_array<Example>({
    {"reflow dlq drop dead.jsonl 1 4", "two of them"},
    {"reflow dlq drop dead.jsonl --all", "all of them"},
});
constexpr auto dlq_replay_positionals = std::to_array<Positional>({
    {"FILE", "Dead letters; - for standard input."},
    {"GRAPH", "The graph: a file in JSON, YAML or MessagePack."},
});
constexpr auto dlq_replay_examples = std::to_array<Example>({
    {"reflow dlq replay dead.jsonl pipeline.graph.json", "try it again"},
    {"reflow dlq replay dead.jsonl pipeline.graph.json --dead-letters rest.jsonl",
     "and keep what fails anew"},
});

constexpr auto version_options = std::to_array<Option>({
    {.name = "json", .help = "Print version and features as JSON."},
    help_option,
});
constexpr auto version_examples = std::to_array<Example>({
    {"reflow version --json", "what this build contains"},
});

constexpr auto completion_positionals = std::to_array<Positional>({
    {"SHELL", "bash, zsh or fish.", true, Offer::choices, "bash zsh fish"},
});
constexpr auto completion_options = std::to_array<Option>({help_option});
constexpr auto completion_examples = std::to_array<Example>({
    {"source <(reflow completion bash)", "in ~/.bashrc"},
    {"reflow completion zsh > ~/.zfunc/_reflow", "in a folder of $fpath"},
    {"reflow completion fish > ~/.config/fish/completions/reflow.fish", "for fish"},
});

constexpr auto group_options = std::to_array<Option>({help_option});

constexpr auto table = std::to_array<Command>({
    {.name = "",
     .summary = "Run dataflow graphs and look at them.",
     .description = "",
     .options = program_options,
     .examples = program_examples,
     .group = true},
    {.name = "run",
     .summary = "Run a graph.",
     .description =
         "Runs a graph until it is idle. Packets of exposed outports are printed as lines "
         "\"NAME: JSON\". Ctrl-C once lets what is under way finish for up to 2 seconds, "
         "twice stops at once.",
     .positionals = graph_positional,
     .options = run_options,
     .examples = run_examples},
    {.name = "top",
     .summary = "Run a graph and watch what its nodes do.",
     .description =
         "Runs a graph as run does, and shows a table of its nodes that is drawn again and again: "
         "rates, queues, times of calls, failures and load. What the graph prints is not shown. "
         "Keys: q ends, p pauses and goes on, up and down scroll, left and right sort by another "
         "column, r reverses. Where standard output is no terminal the table is printed at each "
         "look.",
     .positionals = graph_positional,
     .options = top_options,
     .examples = top_examples},
    {.name = "replay",
     .summary = "Repeat a run from its recording.",
     .description =
         "Does again what reflow run --record has recorded, and compares each firing: the first "
         "difference is told, with exit code 1. Components that read or write files are not "
         "called; what they brought is in the recording.",
     .positionals = replay_positionals,
     .options = replay_options,
     .examples = replay_examples},
    {.name = "debug",
     .summary = "Step through a graph.",
     .description =
         "Runs a graph on one thread in logical time, so that a run is a function of its seed, and "
         "stops where it is told to. Commands come from the terminal, from standard input, a file "
         "or --command; help lists them. Ctrl-C interrupts what is going on.",
     .positionals = graph_positional,
     .options = debug_options,
     .examples = debug_examples},
    {.name = "graph",
     .summary = "Check, draw and convert graphs.",
     .description = "",
     .options = group_options,
     .examples = graph_examples,
     .group = true},
    {.name = "graph validate",
     .summary = "Check a graph.",
     .description = "Lists errors (the graph does not run), warnings and notes, one on a line.",
     .positionals = graph_positional,
     .options = validate_options,
     .examples = validate_examples},
    {.name = "graph show",
     .summary = "Draw a graph.",
     .description = "Draws a graph without a browser or other programs.",
     .positionals = graph_positional,
     .options = show_options,
     .examples = show_examples},
    {.name = "graph convert",
     .summary = "Convert a graph between JSON, YAML and MessagePack.",
     .description = "Reads a graph and writes it, complete, in another format.",
     .positionals = convert_positionals,
     .options = convert_options,
     .examples = convert_examples},
    {.name = "peer",
     .summary = "Join networks of several processes.",
     .description = "",
     .options = group_options,
     .examples = peer_examples,
     .group = true},
    {.name = "peer run",
     .summary = "Run a peer.",
     .description = "Listens, dials the peers of its configuration, and logs on standard error what "
                    "comes for the actor recorder at its port in, until it is interrupted. With a "
                    "graph it runs that. The program reflow-peer is the same.",
     .options = peer_run_options,
     .examples = peer_examples},
    {.name = "discovery",
     .summary = "Let peers find each other.",
     .description = "",
     .options = group_options,
     .examples = discovery_examples,
     .group = true},
    {.name = "discovery serve",
     .summary = "Run a discovery server.",
     .description = "Keeps a table of peers, which register themselves and read who else is there, "
                    "until it is interrupted. The program reflow-discovery is the same.",
     .options = discovery_serve_options,
     .examples = discovery_examples},
    {.name = "components",
     .summary = "List components, or tell all about one.",
     .description =
         "Lists the components that nodes can be made of, or the ports, the configuration "
         "and an example of one.",
     .positionals = components_positionals,
     .options = components_options,
     .examples = components_examples},
    {.name = "dlq",
     .summary = "Look at dead letters, play them back, drop them.",
     .description = "",
     .options = group_options,
     .examples = dlq_examples,
     .group = true},
    {.name = "dlq list",
     .summary = "List dead letters.",
     .description = "Lists failed firings that nothing in the graph took, the oldest first.",
     .positionals = dlq_file,
     .options = dlq_json_options,
     .examples = dlq_list_examples},
    {.name = "dlq show",
     .summary = "Show all about a dead letter.",
     .description = "Shows its error, its packets and its trace.",
     .positionals = dlq_show_positionals,
     .options = dlq_json_options,
     .examples = dlq_show_examples},
    {.name = "dlq replay",
     .summary = "Run a graph with dead letters as its input.",
     .description = "Runs a graph until it is idle. The packets of the letters go to their nodes; "
                    "sources do not run, and initial packets are left out. The options are those "
                    "of reflow run.",
     .positionals = dlq_replay_positionals,
     .options = run_options,
     .examples = dlq_replay_examples},
    {.name = "dlq drop",
     .summary = "Drop dead letters from a file.",
     .description = "Writes the file anew, without those that are named.",
     .positionals = dlq_drop_positionals,
     .options = dlq_drop_options,
     .examples = dlq_drop_examples},
    {.name = "version",
     .summary = "Show the version.",
     .description = "",
     .options = version_options,
     .examples = version_examples},
    {.name = "completion",
     .summary = "Print a completion script for a shell.",
     .description = "",
     .positionals = completion_positionals,
     .options = completion_options,
     .examples = completion_examples},
});

}  // namespace

std::span<const Command> commands() { return table; }

const Command* find_command(std::string_view name) {
    for (const Command& command : table) {
        if (command.name == name) return &command;
    }
    return nullptr;
}

}  // namespace cli
