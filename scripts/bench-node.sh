#!/usr/bin/env bash
# Measures the Node package, beside NoFlo: a table, and the rows in <build folder>/bench-node.json.
#
#   scripts/bench-node.sh <build folder> [ROWS]      a peer that cannot be installed is left out;
#                                                    nothing is measured if ROWS names none of its rows
set -euo pipefail

cd "$(dirname "$0")/.."
build=$(realpath "$1") rows=${2:-}
peers=$build/node/peers

if [ -n "$rows" ] && [[ $rows != *node* ]]; then exit 0; fi
if ! command -v node >/dev/null || ! scripts/node-tools.sh "$build"; then
    echo 'bench-node: no Node here, or no npm packages: its rows are left out' >&2
    exit 0
fi
cmake --build "$build" --target reflow_node -j "${JOBS:-2}" >&2
if [ ! -d "$peers/node_modules/noflo" ]; then
    mkdir -p "$peers"
    npm install --no-save --prefix "$peers" --no-audit --no-fund --ignore-scripts --loglevel=error \
        noflo@1.5.2 >&2 || echo 'bench-node: NoFlo cannot be installed' >&2
fi
REFLOW_NODE_PREBUILD=$build/node node --expose-gc bindings/node/bench/bench.mjs \
    --json "$build/bench-node.json" --peers "$peers" --rows "$rows"
