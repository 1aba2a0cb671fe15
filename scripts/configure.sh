#!/usr/bin/env bash
# configure.sh <build folder> [option of cmake]...: configures once. Later changes of CMake files are
# seen by the build itself; a folder that was copied from elsewhere, or whose configuration did not
# come to its end, is configured anew.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
shift

if [ -e "$folder/CMakeCache.txt" ]; then
    source=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/CMakeCache.txt")
    if [ "$source" -ef . ] &&
        { [ -e "$folder/build.ninja" ] || [ -e "$folder/Makefile" ]; }; then
        exit 0
    fi
    rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
fi

generator='Unix Makefiles'
if command -v ninja >/dev/null; then generator=Ninja; fi
exec cmake -S . -B "$folder" -G "$generator" "$@"
