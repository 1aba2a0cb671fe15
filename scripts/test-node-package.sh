#!/usr/bin/env bash
# Installs the tarball of Node as a new user would, in a clean folder outside the tree whose name has a
# space, and runs the tests and the examples there: with the Node of this machine, and with all other versions
# that the package is for.
#
#   scripts/test-node-package.sh <build folder>
set -euo pipefail

cd "$(dirname "$0")/.."
root=$PWD
build=$(realpath "$1")

JOBS=2 scripts/package-node.sh "$build" pack >/dev/null
scripts/node-tools.sh "$build" runtimes
work=$(mktemp -d "${TMPDIR:-/tmp}/reflow node.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"name": "app", "private": true}' >package.json
npm install --no-audit --no-fund --loglevel=error "$build"/packages/reflow-*.tgz

# Nothing of the tree is needed from here on, but for tools and data of the tests.
cp -R "$root/bindings/node/test" "$root/bindings/node/examples" .
unset REFLOW_NODE_PREBUILD
export REFLOW_NODE_PACKAGE=reflow REFLOW_NODE_TOOLS=$build/node/node_modules
export REFLOW_NODE_STAGE=$work/node_modules/reflow REFLOW_SOURCE=$root
npx reflow version
failed=0
for node in node "$build"/node/runtimes/{18,19,21,22}/node; do
    echo "== $("$node" --version)"
    for file in test/*.test.mjs test/*.test.cjs; do
        "$node" --expose-gc --test "$file" >"$work/log" 2>&1 && echo "ok $file" && continue
        cat "$work/log"
        echo "failed: $file"
        failed=1
    done
done
exit "$failed"
