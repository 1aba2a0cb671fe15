#!/usr/bin/env bash
# Makes the Node package: the addon with the engine, the libraries that it needs and the command line
# tool beside it, in one tarball that installs without running anything.
#
#   scripts/package-node.sh <build folder> stage     the package, unpacked: <build folder>/node/package
#   scripts/package-node.sh <build folder> pack      builds, stages and packs it:
#                                                    <build folder>/packages/reflow-<version>.tgz
#
# stage takes what was built: it is a step of the target reflow_node_package.
set -euo pipefail

cd "$(dirname "$0")/.."
build=$(realpath "$1") what=$2
source=bindings/node
stage=$build/node/package
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo 'package-node: no Node with npm here, so no Node package' >&2
    exit 0
fi
platform=$(node -p 'process.platform + "-" + process.arch')
prebuild=$stage/prebuilds/$platform

# What is on every system that Node runs on: not carried.
readonly SYSTEM='linux-vdso|ld-linux|libc\.so|libm\.so|libdl\.so|libpthread\.so|librt\.so|libstdc\+\+|libgcc_s'

# libraries <file>: those that it needs, directly or not, which are not of the system.
libraries() {
    ldd "$1" | awk '/=> \//{print $3}' | grep -vE "/($SYSTEM)" || true
}

# licence <library>: copies what Debian says about the package that it is from.
licence() {
    local package
    command -v dpkg >/dev/null || return 0
    package=$(dpkg -S "$(readlink -f "$1")" 2>/dev/null | head -n 1 | cut -d: -f1)
    [ -n "$package" ] || return 0
    cp "/usr/share/doc/$package/copyright" "$stage/licences/$package.txt" 2>/dev/null || true
}

if [ "$what" = pack ]; then
    cmake --build "$build" --target reflow_node_package -j "${JOBS:-2}" >&2
    mkdir -p "$build/packages"
    rm -f "$build"/packages/reflow-*.tgz
    npm pack --silent --ignore-scripts --pack-destination "$build/packages" "$stage" >/dev/null
    ls "$build"/packages/reflow-*.tgz
    exit 0
fi

rm -rf "$stage"
mkdir -p "$prebuild/lib" "$prebuild/bin" "$stage/licences"
cp -R "$source/lib" "$source/bin" "$source/testing" "$stage/"
cp "$source/README.md" LICENSE "$stage/"
cp "$build/node/reflow.node" "$prebuild/"
cp "$build/node/bin/reflow" "$prebuild/bin/"
cp -L "$build/lib/libreflow.so.1" "$prebuild/lib/"
libraries "$build/lib/libreflow.so.1" | while IFS= read -r library; do
    cp -L "$library" "$prebuild/lib/"
    licence "$library"
done
strip --strip-unneeded "$prebuild/reflow.node" "$prebuild/lib/libreflow.so.1" "$prebuild/bin/reflow"
chmod -R u=rwX,go=rX "$stage"
chmod 755 "$prebuild/bin/reflow" "$stage"/bin/*.cjs
node "$source/tools/manifest.cjs" include/reflow.h "$source/package.json" "$stage/package.json"
