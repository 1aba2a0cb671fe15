#!/usr/bin/env bash
# tidy.sh <build folder> <jobs>: clang-tidy over the library and the command line tool.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
jobs=$2
git ls-files -z 'src/*.cpp' |
    xargs -0r -n 1 -P "$jobs" clang-tidy -p "$build" --quiet --warnings-as-errors='*' 2>/dev/null
