#!/usr/bin/env bash
# format.sh write|check: brings every source file into shape, or names those that are not.
set -euo pipefail
cd "$(dirname "$0")/.."

run() {
    local style=$1
    shift
    case "$mode" in
        write) git ls-files -z "$@" | xargs -0r clang-format --style="file:$style" -i ;;
        check) git ls-files -z "$@" |
            xargs -0r clang-format --style="file:$style" --dry-run --Werror ;;
    esac
}

mode=${1:-}
case "$mode" in
    write | check) ;;
    *)
        echo "usage: scripts/format.sh write|check" >&2
        exit 2
        ;;
esac
run .clang-format '*.cpp' '*.hpp'
run .clang-format-c '*.c' '*.h'
