#!/usr/bin/env bash
# bench-peers.sh build|fetch <build folder>: the peers of `make bench` that CMake does not build.
#
# build: compiles what can be compiled with what is here; a peer that cannot is left out of the table.
#        Peers in Rust are only brought up to date: their crates were downloaded by fetch.
# fetch: installs what is missing (scripts/install-deps.sh bench), downloads crates, and builds all
#        peers. Fails if a peer could not be built, after it has tried them all and said why.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-}
if { [ "$mode" != build ] && [ "$mode" != fetch ]; } || [ $# -ne 2 ]; then
    echo "usage: scripts/bench-peers.sh build|fetch <build folder>" >&2
    exit 2
fi
mkdir -p "$2/bench/contenders" "$2/bench/logs"
build=$(cd "$2" && pwd)
contenders=$build/bench/contenders
failed=0

have() { command -v "$1" >/dev/null 2>&1; }

# missing <peer> <reason>: takes the peer out of the table.
missing() {
    rm -f "$contenders/$1"
    failed=1
    if [ "$mode" = fetch ]; then echo "bench-deps: $1: $2" >&2; fi
}

# attempt <peer> <command>...: runs it with its output in a file, of which the errors are shown.
attempt() {
    local peer=$1 log=$build/bench/logs/$1.log
    shift
    if "$@" >"$log" 2>&1; then return 0; fi
    missing "$peer" "not built; the end of $log says:"
    if [ "$mode" = fetch ]; then tail -n 5 "$log" | sed 's/^/  /' >&2; fi
    return 1
}

build_go() {
    if ! have go; then
        missing go "no Go compiler"
        return
    fi
    (cd bench/peers/go && attempt go env GOTOOLCHAIN=local GOFLAGS=-mod=mod CGO_ENABLED=0 \
        go build -trimpath -o "$contenders/go" .) || failed=1
}

build_erlang() {
    if ! have erlc || ! have erl; then
        missing erlang "no Erlang"
        return
    fi
    mkdir -p "$build/bench/erlang"
    attempt erlang erlc -o "$build/bench/erlang" bench/peers/erlang/bench.erl || return 0
    install -m 755 bench/peers/erlang/run.sh "$contenders/erlang"
}

# build_rust <peer>: its crates are those of its Cargo.lock.
build_rust() {
    local peer=$1 target=$build/bench/rust/$1 offline=(--offline)
    if ! have cargo; then
        missing "$peer" "no Rust compiler"
        return
    fi
    if [ "$mode" = fetch ]; then
        offline=()
        echo "bench-deps: building $peer, which takes some minutes the first time" >&2
    elif [ ! -d "$target" ]; then
        missing "$peer" "not fetched"
        return
    fi
    (cd "bench/peers/$peer" && attempt "$peer" cargo build --release --locked "${offline[@]}" \
        --target-dir "$target") || { failed=1; return 0; }
    install -m 755 "$target/release/bench-$peer" "$contenders/$peer"
}

# The peers in C and C++ again, with what has been installed since the folder was configured.
build_native() {
    scripts/configure.sh "$build"
    cmake -U 'REFLOW_BENCH_CAF*' -U TBB_DIR -U 'reflow_cjson*' -U 'reflow_zeromq*' -U 'reflow_lws*' -U 'REFLOW_BENCH_NATS*' "$build" >/dev/null
    local peer log=$build/bench/logs/native.log
    if ! cmake --build "$build" --target bench bench_peers -j "$(nproc)" >"$log" 2>&1; then
        echo "bench-deps: the peers in C++ were not built; the end of $log says:" >&2
        tail -n 15 "$log" >&2
        failed=1
    fi
    for peer in tbb caf cjson msgpack-c zeromq nats lws; do
        [ -x "$contenders/$peer" ] || missing "$peer" "not installed"
    done
}

if [ "$mode" = fetch ]; then
    scripts/install-deps.sh build bench ||
        echo "bench-deps: not everything could be installed; going on with what is here" >&2
    build_native
fi
build_go
build_erlang
build_rust flume
build_rust original

if [ "$mode" = fetch ]; then
    ready=()
    for peer in tbb caf go erlang flume original cjson msgpack-c zeromq nats lws; do
        if [ -x "$contenders/$peer" ]; then ready+=("$peer"); fi
    done
    echo "peers that are ready: ${ready[*]:-none}"
    exit "$failed"
fi
