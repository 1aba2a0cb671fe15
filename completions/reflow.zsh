#compdef reflow
# zsh completion for reflow, made by: reflow completion zsh

_reflow_component_ids() {
    local -a list
    list=(${(f)"$(reflow components 2>/dev/null | awk 'NR > 1 { print $1 }')"})
    compadd -a list
}

_reflow() {
    local state line curcontext=$curcontext
    local -a list
    _arguments -C \
        '--version[Show the version and end]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:command:->command' '*::argument:->argument'
    case $state in
        command)
            list=(
                'run:Run a graph'
                'top:Run a graph and watch what its nodes do'
                'replay:Repeat a run from its recording'
                'debug:Step through a graph'
                'graph:Check, draw and convert graphs'
                'peer:Join networks of several processes'
                'discovery:Let peers find each other'
                'components:List components, or tell all about one'
                'dlq:Look at dead letters, play them back, drop them'
                'version:Show the version'
                'completion:Print a completion script for a shell'
            )
            _describe command list ;;
        argument)
            case $words[1] in
                run) _reflow_run ;;
                top) _reflow_top ;;
                replay) _reflow_replay ;;
                debug) _reflow_debug ;;
                graph) _reflow_graph ;;
                peer) _reflow_peer ;;
                discovery) _reflow_discovery ;;
                components) _reflow_components ;;
                dlq) _reflow_dlq ;;
                version) _reflow_version ;;
                completion) _reflow_completion ;;
            esac ;;
    esac
}

_reflow_run() {
    _arguments -s \
        '*--set=[Set a value in the configuration of a node]:NODE.KEY=VALUE: ' \
        '*--input=[Send a packet after the start, in the order given]:PORT=JSON: ' \
        '--output-dir=[Write the files of all components that write files into this folder]:FOLDER:_files -/' \
        '--events=[Write all events as JSON lines into a file]:FILE:_files' \
        '--dead-letters=[At the end write the dead letters that are left into a file, as JSON lines, or as MessagePack if its name ends in .msgpack]:FILE:_files' \
        '--stats[At the end show on standard error what each node has done and how long its calls took, the busiest first]' \
        '--watch[Apply the graph file to the running network whenever it changes, and go on until interrupted]' \
        '(--threads --inline --watch --checkpoint --restore)--record=[Record the run into a file, for reflow replay]:FILE:_files' \
        '--json[Print one JSON object on standard output\: status, duration, nodes, outputs, errors]' \
        '--timeout=[Stop after this time, with exit code 4]:SECONDS: ' \
        '(--inline --seed)--checkpoint=[Write a snapshot of the run into a file again and again, from which --restore goes on]:FILE:_files' \
        '--checkpoint-every=[The time between two of them]:SECONDS: ' \
        '--restore=[Go on where the snapshot in this file was taken, with the same graph]:FILE:_files' \
        '(--inline --seed --record)--threads=[Number of threads, 1 to 256]:N: ' \
        '(--threads --seed --record --checkpoint)--inline[Run everything on one thread]' \
        '(--threads --inline --checkpoint)--seed=[Simulate\: one thread, logical time, and an order of steps that is drawn from this seed, so that the run can be repeated exactly]:N: ' \
        '--log-level=[Least important log lines that are shown\: error, warn, info, debug or trace]:LEVEL:(error warn info debug trace)' \
        '(-v --verbose)'{-v,--verbose}'[The same as --log-level debug]' \
        '(-q --quiet)'{-q,--quiet}'[Show errors only\: no progress, no summary, no log]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:GRAPH:_files'
}

_reflow_top() {
    _arguments -s \
        '--interval=[Time between two looks, 0.05 to 86400]:SECONDS: ' \
        '--sort=[graph, node, fired, in, out, queue, p50, p99, failed or cpu (default)]:COLUMN:(graph node fired in out queue p50 p99 failed cpu)' \
        '--once[Look once, after one interval or when the graph is done, and end]' \
        '--json[Print a JSON object on a line of its own at each look, and at the end]' \
        '*--set=[Set a value in the configuration of a node, as for run]:NODE.KEY=VALUE: ' \
        '*--input=[Send a packet after the start, as for run]:PORT=JSON: ' \
        '--output-dir=[Write the files of all components that write files into this folder]:FOLDER:_files -/' \
        '--timeout=[Stop after this time, with exit code 4]:SECONDS: ' \
        '(--inline)--threads=[Number of threads, 1 to 256]:N: ' \
        '(--threads)--inline[Run everything on one thread]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:GRAPH:_files'
}

_reflow_replay() {
    _arguments -s \
        '--until=[Stop after so many firings]:N: ' \
        '--events[Print all events as JSON lines instead of what components print]' \
        '--json[Print one JSON object\: status, firings, truncated, reason, error]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:FILE:_files'
}

_reflow_debug() {
    _arguments -s \
        '*--set=[Set a value in the configuration of a node, as reflow run does]:NODE.KEY=VALUE: ' \
        '*--input=[Send a packet after the start, as reflow run does]:PORT=JSON: ' \
        '--output-dir=[Write the files of all components that write files into this folder]:FOLDER:_files -/' \
        '--seed=[The order of steps is drawn from this seed]:N: ' \
        '(-c --command)'{-c+,--command=}'[Carry out a command instead of reading standard input]:COMMAND: ' \
        '(-x --file)'{-x+,--file=}'[Carry out the commands in a file, after those of --command]:FILE:_files' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:GRAPH:_files'
}

_reflow_graph() {
    local state line curcontext=$curcontext
    local -a list
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:command:->command' '*::argument:->argument'
    case $state in
        command)
            list=(
                'validate:Check a graph'
                'show:Draw a graph'
                'convert:Convert a graph between JSON, YAML and MessagePack'
            )
            _describe command list ;;
        argument)
            case $words[1] in
                validate) _reflow_graph_validate ;;
                show) _reflow_graph_show ;;
                convert) _reflow_graph_convert ;;
            esac ;;
    esac
}

_reflow_graph_validate() {
    _arguments -s \
        '--format=[text (default) or json]:FORMAT:(text json)' \
        '--json[The same as --format json]' \
        '(-o --output)'{-o+,--output=}'[Write into a file]:FILE:_files' \
        '(-q --quiet)'{-q,--quiet}'[Print nothing]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:GRAPH:_files'
}

_reflow_graph_show() {
    _arguments -s \
        '--format=[text, json, mermaid, dot, svg or html]:FORMAT:(text json mermaid dot svg html)' \
        '--depth=[Levels of subgraphs to expand]:N: ' \
        '--dark[Colours for a dark background]' \
        '(-o --output)'{-o+,--output=}'[Write into a file]:FILE:_files' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:GRAPH:_files'
}

_reflow_graph_convert() {
    _arguments -s \
        '--to=[json, yaml or msgpack]:FORMAT:(json yaml msgpack)' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:IN:_files' \
        '2:OUT:_files'
}

_reflow_peer() {
    local state line curcontext=$curcontext
    local -a list
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:command:->command' '*::argument:->argument'
    case $state in
        command)
            list=(
                'run:Run a peer'
            )
            _describe command list ;;
        argument)
            case $words[1] in
                run) _reflow_peer_run ;;
            esac ;;
    esac
}

_reflow_peer_run() {
    _arguments -s \
        '(-c --config)'{-c+,--config=}'[The configuration, in TOML]:FILE:_files' \
        '(-g --graph)'{-g+,--graph=}'[Run this graph]:FILE:_files' \
        '--bind=[Listen there, whatever the configuration says]:ADDRESS\:PORT: ' \
        '--send=[Send one message when the peers are connected]:NETWORK\:ACTOR\:PORT\:TEXT: ' \
        '--log-level=[What is logged]:LEVEL:(error warn info debug trace)' \
        '(-h --help)'{-h,--help}'[Show help and end]'
}

_reflow_discovery() {
    local state line curcontext=$curcontext
    local -a list
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:command:->command' '*::argument:->argument'
    case $state in
        command)
            list=(
                'serve:Run a discovery server'
            )
            _describe command list ;;
        argument)
            case $words[1] in
                serve) _reflow_discovery_serve ;;
            esac ;;
    esac
}

_reflow_discovery_serve() {
    _arguments -s \
        '(-b --bind)'{-b+,--bind=}'[Listen there]:ADDRESS\:PORT: ' \
        '--entry-ttl-secs=[Keep an entry for so long after its last registration]:N: ' \
        '--prune-interval-secs=[Look so often for entries that are too old]:N: ' \
        '(--token-file)--token=[Answer only to those who have this bearer token]:TOKEN: ' \
        '(--token)--token-file=[The same with the token in a file, so that no list of processes shows it]:FILE:_files' \
        '--certificate=[Speak HTTPS as well, with this certificate in PEM]:FILE:_files' \
        '--key=[The key of the certificate, in PEM]:FILE:_files' \
        '--log-level=[What is logged]:LEVEL:(error warn info debug trace)' \
        '(-h --help)'{-h,--help}'[Show help and end]'
}

_reflow_components() {
    _arguments -s \
        '--json[Print what is known as JSON]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1::NAME:_reflow_component_ids'
}

_reflow_dlq() {
    local state line curcontext=$curcontext
    local -a list
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:command:->command' '*::argument:->argument'
    case $state in
        command)
            list=(
                'list:List dead letters'
                'show:Show all about a dead letter'
                'replay:Run a graph with dead letters as its input'
                'drop:Drop dead letters from a file'
            )
            _describe command list ;;
        argument)
            case $words[1] in
                list) _reflow_dlq_list ;;
                show) _reflow_dlq_show ;;
                replay) _reflow_dlq_replay ;;
                drop) _reflow_dlq_drop ;;
            esac ;;
    esac
}

_reflow_dlq_list() {
    _arguments -s \
        '--json[Print JSON for a program]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:FILE:_files'
}

_reflow_dlq_show() {
    _arguments -s \
        '--json[Print JSON for a program]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:FILE:_files' \
        '2:N: '
}

_reflow_dlq_replay() {
    _arguments -s \
        '*--set=[Set a value in the configuration of a node]:NODE.KEY=VALUE: ' \
        '*--input=[Send a packet after the start, in the order given]:PORT=JSON: ' \
        '--output-dir=[Write the files of all components that write files into this folder]:FOLDER:_files -/' \
        '--events=[Write all events as JSON lines into a file]:FILE:_files' \
        '--dead-letters=[At the end write the dead letters that are left into a file, as JSON lines, or as MessagePack if its name ends in .msgpack]:FILE:_files' \
        '--stats[At the end show on standard error what each node has done and how long its calls took, the busiest first]' \
        '--watch[Apply the graph file to the running network whenever it changes, and go on until interrupted]' \
        '(--threads --inline --watch --checkpoint --restore)--record=[Record the run into a file, for reflow replay]:FILE:_files' \
        '--json[Print one JSON object on standard output\: status, duration, nodes, outputs, errors]' \
        '--timeout=[Stop after this time, with exit code 4]:SECONDS: ' \
        '(--inline --seed)--checkpoint=[Write a snapshot of the run into a file again and again, from which --restore goes on]:FILE:_files' \
        '--checkpoint-every=[The time between two of them]:SECONDS: ' \
        '--restore=[Go on where the snapshot in this file was taken, with the same graph]:FILE:_files' \
        '(--inline --seed --record)--threads=[Number of threads, 1 to 256]:N: ' \
        '(--threads --seed --record --checkpoint)--inline[Run everything on one thread]' \
        '(--threads --inline --checkpoint)--seed=[Simulate\: one thread, logical time, and an order of steps that is drawn from this seed, so that the run can be repeated exactly]:N: ' \
        '--log-level=[Least important log lines that are shown\: error, warn, info, debug or trace]:LEVEL:(error warn info debug trace)' \
        '(-v --verbose)'{-v,--verbose}'[The same as --log-level debug]' \
        '(-q --quiet)'{-q,--quiet}'[Show errors only\: no progress, no summary, no log]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:FILE:_files' \
        '2:GRAPH:_files'
}

_reflow_dlq_drop() {
    _arguments -s \
        '--all[Drop all letters]' \
        '--json[Print JSON for a program]' \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:FILE:_files' \
        '2::N: '
}

_reflow_version() {
    _arguments -s \
        '--json[Print version and features as JSON]' \
        '(-h --help)'{-h,--help}'[Show help and end]'
}

_reflow_completion() {
    _arguments -s \
        '(-h --help)'{-h,--help}'[Show help and end]' \
        '1:SHELL:(bash zsh fish)'
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _reflow "$@"
else
    compdef _reflow reflow
fi
