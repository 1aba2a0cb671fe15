#!/usr/bin/env bash
# Builds the engine and the addon of the Node package under AddressSanitizer and UndefinedBehaviorSanitizer, and
# runs the tests of the package with them. Node itself is as it is: the runtime of the sanitizer is loaded
# before it. Leaks are not looked for, since Node frees little at its end; test/leaks.test.cjs counts ours.
#
#   scripts/test-node-asan.sh <build folder> [file]...     default: all tests, built in <build folder>/node-asan
#
# Left out: tests that start the command line tool or measure types and packages, which have no such build.
set -euo pipefail

cd "$(dirname "$0")/.."
build=$(realpath "$1")
shift
asan=$build/node-asan

# What comes from npm is there already.
if [ -e "$build/node/installed.json" ] && [ ! -e "$asan/node/installed.json" ]; then
    mkdir -p "$asan/node"
    cp -R "$build/node/node_modules" "$build/node/installed.json" "$asan/node/"
fi
# The same options as those of `make asan`, so that a cache of compilers serves both.
scripts/configure.sh "$asan" -DREFLOW_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_CXX_FLAGS_DEBUG=-O1 -DCMAKE_C_FLAGS_DEBUG=-O1 -DREFLOW_BENCH=OFF >&2
cmake --build "$asan" --target reflow_node -j "${JOBS:-2}" >&2

# What is loaded first: the runtime that the addon was linked with, and the library of C++, which must be there
# when the runtime looks for its exceptions.
preload=''
for library in libasan.so libubsan.so libstdc++.so.6; do
    path=$("${CXX:-c++}" -print-file-name="$library")
    case $path in /*) preload+="$(realpath "$path") " ;; esac
done

export REFLOW_NODE_PREBUILD=$asan/node
export REFLOW_NODE_DEEPBIND=0 # the sanitizer does not allow it
# Tests that look at memory have to see it go: what was freed is held back up to 16 MiB alone.
export ASAN_OPTIONS=quarantine_size_mb=16:detect_leaks=0:handle_segv=1:abort_on_error=0:detect_stack_use_after_return=0:exitcode=86
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=86

files=("$@")
if [ ${#files[@]} = 0 ]; then
    for file in bindings/node/test/*.test.?js; do
        case $file in */cli.test.*|*/types.test.*|*/symbols.test.*|*/documents.test.*) continue ;; esac
        files+=("$file")
    done
fi

failed=0
for file in "${files[@]}"; do
    log=$asan/$(basename "$file").log
    if LD_PRELOAD=$preload node --expose-gc --test --test-reporter spec "$file" >"$log" 2>&1; then
        echo "ok $file"
    else
        echo "failed: $file"
        cat "$log"
        failed=1
    fi
    # A process that a test started may have been told of without its test seeing it.
    if grep -qE 'ERROR: AddressSanitizer|runtime error:' "$log"; then
        echo "a sanitizer has found something: $log"
        failed=1
    fi
done
exit "$failed"
