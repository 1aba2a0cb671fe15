#!/bin/sh
# Builds the package for development, against the engine in build/ of the repository, without installing
# it: bindings/python/dev.sh [python]. It prints the folder to put into PYTHONPATH. The Python files in it
# are links, so only changes of C++ need another call.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${1:-python3}
version=$("$python" -c 'import platform; print(platform.python_version())')
work="$root/build/python/$version"
if [ ! -x "$work/venv/bin/python" ]; then
    "$python" -m venv "$work/venv"
    "$work/venv/bin/pip" -q install --disable-pip-version-check pybind11==3.1.0 pytest numpy
fi
[ -f "$root/build/lib/libreflow.so" ] || {
    echo "dev.sh: build the engine first: make" >&2
    exit 1
}
cmake -S "$here" -B "$work/cmake" -DCMAKE_BUILD_TYPE=Release -DREFLOW_PREBUILT="$root/build" \
    -DPython_EXECUTABLE="$work/venv/bin/python" -DPython_FIND_VIRTUALENV=ONLY \
    -Dpybind11_DIR="$("$work/venv/bin/python" -m pybind11 --cmakedir)" >"$work/cmake.log" 2>&1 ||
    { cat "$work/cmake.log" >&2; exit 1; }
nice cmake --build "$work/cmake" --target _reflow -j2 >"$work/build.log" 2>&1 ||
    { cat "$work/build.log" >&2; exit 1; }
package="$work/package/reflow"
mkdir -p "$package/_engine"
for file in "$here"/reflow/*; do
    ln -sfn "$file" "$package/$(basename "$file")"
done
ln -sfn "$root/build/lib" "$package/_engine/lib"
ln -sfn "$root/build/bin" "$package/_engine/bin"
for module in "$work"/cmake/_reflow*.so; do
    cp -f "$module" "$package/"
done
echo "$work/package"
