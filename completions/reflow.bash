# bash completion for reflow, made by: reflow completion bash
_reflow() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command="" skip="" word i index=0
    COMPREPLY=()
    # The shell makes words of their own of the = in --option=value.
    if [[ $cur == "=" ]]; then
        cur=""
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == "=" ]]; then
            skip=1
        elif [[ -n $skip ]]; then
            skip=""
        else
            case $word in
                --bind | --certificate | --checkpoint | --checkpoint-every | --command | --config | --dead-letters | --depth | --entry-ttl-secs | --events | --file | --format | --graph | --input | --interval | --key | --log-level | --output | --output-dir | --prune-interval-secs | --record | --restore | --seed | --send | --set | --sort | --threads | --timeout | --to | --token | --token-file | --until | -b | -c | -g | -o | -x) skip=1 ;;
                -*) ;;
                *)
                    case "$command $word" in
                        " run" | " top" | " replay" | " debug" | " graph" | "graph validate" | "graph show" | "graph convert" | " peer" | "peer run" | " discovery" | "discovery serve" | " components" | " dlq" | "dlq list" | "dlq show" | "dlq replay" | "dlq drop" | " version" | " completion")
                            command="${command:+$command }$word" ;;
                        *) index=$((index + 1)) ;;
                    esac ;;
            esac
        fi
    done
    case "$command:$prev" in
        "run:--set") :; return ;;
        "run:--input") :; return ;;
        "run:--output-dir") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
        "run:--events") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "run:--dead-letters") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "run:--record") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "run:--timeout") :; return ;;
        "run:--checkpoint") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "run:--checkpoint-every") :; return ;;
        "run:--restore") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "run:--threads") :; return ;;
        "run:--seed") :; return ;;
        "run:--log-level") mapfile -t COMPREPLY < <(compgen -W "error warn info debug trace" -- "$cur"); return ;;
        "top:--interval") :; return ;;
        "top:--sort") mapfile -t COMPREPLY < <(compgen -W "graph node fired in out queue p50 p99 failed cpu" -- "$cur"); return ;;
        "top:--set") :; return ;;
        "top:--input") :; return ;;
        "top:--output-dir") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
        "top:--timeout") :; return ;;
        "top:--threads") :; return ;;
        "replay:--until") :; return ;;
        "debug:--set") :; return ;;
        "debug:--input") :; return ;;
        "debug:--output-dir") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
        "debug:--seed") :; return ;;
        "debug:--command" | "debug:-c") :; return ;;
        "debug:--file" | "debug:-x") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "graph validate:--format") mapfile -t COMPREPLY < <(compgen -W "text json" -- "$cur"); return ;;
        "graph validate:--output" | "graph validate:-o") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "graph show:--format") mapfile -t COMPREPLY < <(compgen -W "text json mermaid dot svg html" -- "$cur"); return ;;
        "graph show:--depth") :; return ;;
        "graph show:--output" | "graph show:-o") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "graph convert:--to") mapfile -t COMPREPLY < <(compgen -W "json yaml msgpack" -- "$cur"); return ;;
        "peer run:--config" | "peer run:-c") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "peer run:--graph" | "peer run:-g") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "peer run:--bind") :; return ;;
        "peer run:--send") :; return ;;
        "peer run:--log-level") mapfile -t COMPREPLY < <(compgen -W "error warn info debug trace" -- "$cur"); return ;;
        "discovery serve:--bind" | "discovery serve:-b") :; return ;;
        "discovery serve:--entry-ttl-secs") :; return ;;
        "discovery serve:--prune-interval-secs") :; return ;;
        "discovery serve:--token") :; return ;;
        "discovery serve:--token-file") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "discovery serve:--certificate") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "discovery serve:--key") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "discovery serve:--log-level") mapfile -t COMPREPLY < <(compgen -W "error warn info debug trace" -- "$cur"); return ;;
        "dlq replay:--set") :; return ;;
        "dlq replay:--input") :; return ;;
        "dlq replay:--output-dir") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
        "dlq replay:--events") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "dlq replay:--dead-letters") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "dlq replay:--record") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "dlq replay:--timeout") :; return ;;
        "dlq replay:--checkpoint") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "dlq replay:--checkpoint-every") :; return ;;
        "dlq replay:--restore") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        "dlq replay:--threads") :; return ;;
        "dlq replay:--seed") :; return ;;
        "dlq replay:--log-level") mapfile -t COMPREPLY < <(compgen -W "error warn info debug trace" -- "$cur"); return ;;
    esac
    if [[ $cur == -?* ]]; then
        case $command in
            "") mapfile -t COMPREPLY < <(compgen -W "--version -h --help" -- "$cur") ;;
            "run") mapfile -t COMPREPLY < <(compgen -W "--set --input --output-dir --events --dead-letters --stats --watch --record --json --timeout --checkpoint --checkpoint-every --restore --threads --inline --seed --log-level -v --verbose -q --quiet -h --help" -- "$cur") ;;
            "top") mapfile -t COMPREPLY < <(compgen -W "--interval --sort --once --json --set --input --output-dir --timeout --threads --inline -h --help" -- "$cur") ;;
            "replay") mapfile -t COMPREPLY < <(compgen -W "--until --events --json -h --help" -- "$cur") ;;
            "debug") mapfile -t COMPREPLY < <(compgen -W "--set --input --output-dir --seed -c --command -x --file -h --help" -- "$cur") ;;
            "graph") mapfile -t COMPREPLY < <(compgen -W "-h --help" -- "$cur") ;;
            "graph validate") mapfile -t COMPREPLY < <(compgen -W "--format --json -o --output -q --quiet -h --help" -- "$cur") ;;
            "graph show") mapfile -t COMPREPLY < <(compgen -W "--format --depth --dark -o --output -h --help" -- "$cur") ;;
            "graph convert") mapfile -t COMPREPLY < <(compgen -W "--to -h --help" -- "$cur") ;;
            "peer") mapfile -t COMPREPLY < <(compgen -W "-h --help" -- "$cur") ;;
            "peer run") mapfile -t COMPREPLY < <(compgen -W "-c --config -g --graph --bind --send --log-level -h --help" -- "$cur") ;;
            "discovery") mapfile -t COMPREPLY < <(compgen -W "-h --help" -- "$cur") ;;
            "discovery serve") mapfile -t COMPREPLY < <(compgen -W "-b --bind --entry-ttl-secs --prune-interval-secs --token --token-file --certificate --key --log-level -h --help" -- "$cur") ;;
            "components") mapfile -t COMPREPLY < <(compgen -W "--json -h --help" -- "$cur") ;;
            "dlq") mapfile -t COMPREPLY < <(compgen -W "-h --help" -- "$cur") ;;
            "dlq list") mapfile -t COMPREPLY < <(compgen -W "--json -h --help" -- "$cur") ;;
            "dlq show") mapfile -t COMPREPLY < <(compgen -W "--json -h --help" -- "$cur") ;;
            "dlq replay") mapfile -t COMPREPLY < <(compgen -W "--set --input --output-dir --events --dead-letters --stats --watch --record --json --timeout --checkpoint --checkpoint-every --restore --threads --inline --seed --log-level -v --verbose -q --quiet -h --help" -- "$cur") ;;
            "dlq drop") mapfile -t COMPREPLY < <(compgen -W "--all --json -h --help" -- "$cur") ;;
            "version") mapfile -t COMPREPLY < <(compgen -W "--json -h --help" -- "$cur") ;;
            "completion") mapfile -t COMPREPLY < <(compgen -W "-h --help" -- "$cur") ;;
        esac
        return
    fi
    case "$command:$index" in
        ":0") mapfile -t COMPREPLY < <(compgen -W "run top replay debug graph peer discovery components dlq version completion" -- "$cur") ;;
        "run:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "top:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "replay:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "debug:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "graph:0") mapfile -t COMPREPLY < <(compgen -W "validate show convert" -- "$cur") ;;
        "graph validate:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "graph show:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "graph convert:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "graph convert:1") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "peer:0") mapfile -t COMPREPLY < <(compgen -W "run" -- "$cur") ;;
        "discovery:0") mapfile -t COMPREPLY < <(compgen -W "serve" -- "$cur") ;;
        "components:0") mapfile -t COMPREPLY < <(compgen -W "$(reflow components 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$cur") ;;
        "dlq:0") mapfile -t COMPREPLY < <(compgen -W "list show replay drop" -- "$cur") ;;
        "dlq list:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "dlq show:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "dlq show:1") : ;;
        "dlq replay:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "dlq replay:1") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "dlq drop:0") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        "dlq drop:1") : ;;
        "completion:0") mapfile -t COMPREPLY < <(compgen -W "bash zsh fish" -- "$cur") ;;
    esac
}
complete -F _reflow reflow
