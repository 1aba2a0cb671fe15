#!/usr/bin/env bash
# Installs what the Node package is built and tested with into <build folder>/node/node_modules, exactly
# as bindings/node/tools/package-lock.json says. Does nothing if that is there already.
#
#   scripts/node-tools.sh <build folder>
#   scripts/node-tools.sh <build folder> runtimes     other versions of Node, for the long tests:
#                                                     <build folder>/node/runtimes/<major>/node
set -euo pipefail

cd "$(dirname "$0")/.."
build=$1 what=${2:-tools}
tools=$build/node

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo 'node-tools: Node 18 or newer with npm is needed (Debian: apt-get install nodejs npm)' >&2
    exit 1
fi

# npm_in <folder> <argument>...: npm without what is not wanted in a script.
npm_in() {
    local folder=$1
    shift
    (cd "$folder" && npm "$@" --no-audit --no-fund --ignore-scripts --loglevel=error >&2)
}

if [ "$what" = runtimes ]; then
    # The same binaries that the package "node" of npm brings; their platform is in the name.
    platform=$(node -p 'process.platform + "-" + process.arch')
    for version in 18.20.8 19.8.1 21.7.3 22.23.5; do
        folder=$tools/runtimes/${version%%.*}
        [ -x "$folder/node" ] && continue
        mkdir -p "$folder"
        npm_in "$folder" install --no-save --prefix . "node-$platform@$version"
        ln -sfn "node_modules/node-$platform/bin/node" "$folder/node"
    done
    exit 0
fi

mkdir -p "$tools"
if ! cmp -s bindings/node/tools/package-lock.json "$tools/installed.json"; then
    cp bindings/node/tools/package.json bindings/node/tools/package-lock.json "$tools/"
    npm_in "$tools" ci
    cp bindings/node/tools/package-lock.json "$tools/installed.json"
fi
