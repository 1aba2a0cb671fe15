#!/usr/bin/env bash
# The Python package, from the tree. Everything it makes lies below <build folder>/python and
# <build folder>/packages.
#
#   scripts/python.sh list                  the interpreters that are used: 3.9 to 3.13, those that are there
#   scripts/python.sh venv <build> [X.Y]    an environment with requirements-dev.txt; prints its python
#   scripts/python.sh develop <build> [X.Y] builds the native module against the engine in <build>, into
#                                           <build>/python/lib-X.Y/reflow, where the Python files are links
#   scripts/python.sh packages <build>      sdist, and a wheel for each interpreter, into <build>/packages
#   scripts/python.sh asan <build> ...      the suite with the module under AddressSanitizer and
#                                           UndefinedBehaviorSanitizer, and the engine as it is in <build>: best
#                                           build/asan. More arguments are pytest's
#   scripts/python.sh bench <build> ...     measures it (bindings/python/bench) beside what of its peers can be
#                                           installed; the rows go into <build>/bench.json
#
# Without X.Y it is the version of python3. REFLOW_PYTHONS="3.9 3.11" chooses others for the wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly VERSIONS=${REFLOW_PYTHONS:-3.9 3.10 3.11 3.12 3.13}
package=$PWD/bindings/python
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=1
# The same for the module in the build folder and for wheels, which share their objects.
export CMAKE_GENERATOR="Unix Makefiles" CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-2}

# interpreter <X.Y>: a python of that version with headers and venv, or nothing.
interpreter() {
    local candidate
    for candidate in python3 "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
        if "$candidate" - "$1" >/dev/null 2>&1 <<'PROBE'
import ensurepip, os, sys, sysconfig
assert "%d.%d" % sys.version_info[:2] == sys.argv[1] and sys.implementation.name == "cpython"
assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))
PROBE
        then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

default_version() { python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# venv <build> <X.Y>: makes the environment unless it is there as it should be.
venv() {
    local folder=$1/python/venv-$2 python stamp
    stamp=$(cat "$package/requirements-dev.txt" <(echo "$2 $folder") | cksum)
    if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
        python=$(interpreter "$2")
        if [ -z "$python" ]; then
            echo "python.sh: no Python $2 with headers and venv (Debian: python3-dev python3-venv)" >&2
            return 1
        fi
        rm -rf "$folder"
        "$python" -m venv "$folder" >&2
        "$folder/bin/python" -m pip install -q --disable-pip-version-check --prefer-binary \
            -r "$package/requirements-dev.txt" >&2
        echo "$stamp" >"$folder/stamp"
    fi
    echo "$folder/bin/python"
}

# metadata <python> <folder>: what an installed package tells of itself, its entry points among it.
metadata() {
    "$1" - "$package" "$2" <<'METADATA'
import pathlib, shutil, sys
package, target = map(pathlib.Path, sys.argv[1:])
sys.path.insert(0, str(package / "packaging"))
import reflow_version
for old in target.glob("reflow-*.dist-info"):
    shutil.rmtree(old)
folder = target / f"reflow-{reflow_version.version()}.dist-info"
folder.mkdir()
(folder / "METADATA").write_text(
    f"Metadata-Version: 2.1\nName: reflow\nVersion: {reflow_version.version()}\n")
(folder / "entry_points.txt").write_text("[pytest11]\nreflow = reflow.pytest_plugin\n")
METADATA
}

# develop <build> <X.Y> [name] [cmake arguments]: name stands for the version in the names of its folders.
develop() {
    local python target name=${3:-$2} work
    work=$1/python/native-$name
    python=$(venv "$1" "$2")
    target=$1/python/lib-$name
    if [ ! -e "$work/build.ninja" ] && [ ! -e "$work/Makefile" ]; then
        cmake -S "$package" -B "$work" -DCMAKE_BUILD_TYPE=Release -DREFLOW_PREBUILT="$1" \
            -DREFLOW_WERROR=ON -DPython_EXECUTABLE="$python" \
            -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" "${@:4}" >&2
    fi
    cmake --build "$work" --target reflow_python -j "${JOBS:-2}" >&2
    cmake --install "$work" --component python --prefix "$target" >&2
    # Python files are those of the tree.
    local file
    for file in "$package"/reflow/*; do
        case "$file" in */__pycache__) continue ;; esac
        ln -sfn "$file" "$target/reflow/"
    done
    find "$target/reflow" -xtype l -delete
    metadata "$python" "$target"
    echo "$target"
}

# Leaks are not looked for: the interpreter keeps much to its end. What starts other programs than Python
# is left out, since they would be started under the sanitizer too.
asan() {
    local build=$1 python target version library file preload=
    shift
    version=$(default_version)
    python=$(venv "$build" "$version")
    target=$(develop "$build" "$version" asan \
        "-DCMAKE_CXX_FLAGS=-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" \
        "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -g1")
    for library in libasan.so libubsan.so libstdc++.so; do
        preload="$preload $("${CXX:-g++}" -print-file-name=$library)"
    done
    if [ $# -eq 0 ]; then
        for file in "$package"/tests/test_*.py; do
            case "$file" in
                *_long.py | *_types.py | *_bench.py | *_program.py | *_plugin.py) ;;
                *) set -- "$@" "$file" ;;
            esac
        done
    fi
    LD_PRELOAD=$preload PYTHONMALLOC=malloc PYTHONPATH=$target \
        ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=1 \
        UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
        "$python" -m pytest -q -p no:cacheprovider "$@"
}

# What wheels and sdist are made of, as one number: if it has not changed they are there already.
made_of() {
    {
        echo "$VERSIONS $1"
        # Without git nobody says what belongs to it: never the same.
        git -c safe.directory='*' rev-parse --is-inside-work-tree 2>/dev/null || date +%s%N
        git -c safe.directory='*' ls-files -z --cached --others --exclude-standard -- \
            bindings/python CMakeLists.txt cmake include src scripts/python.sh LICENSE tests/abi/symbols.txt |
            xargs -0 sha256sum -- 2>/dev/null || true
        sha256sum -- "$1/lib/libreflow.so.1" "$1/bin/reflow"
    } | sha256sum
}

packages() {
    local build=$1 out=$1/packages work=$1/python version python default stamp
    default=$(default_version)
    stamp=$(made_of "$build")
    if [ "$(cat "$work/packages-made-of" 2>/dev/null)" = "$stamp" ] && ls "$out"/reflow-*.whl >/dev/null 2>&1; then
        return
    fi
    rm -f "$work/packages-made-of"
    python=$(venv "$build" "$default")
    mkdir -p "$out"
    rm -rf "$work/sdist" "$work/wheels"
    mkdir -p "$work/sdist" "$work/wheels"
    "$python" -m build --sdist --no-isolation -o "$work/sdist" "$package" >&2
    for version in $VERSIONS; do
        if [ -z "$(interpreter "$version")" ]; then
            echo "python.sh: no wheel for Python $version, which is not here" >&2
            continue
        fi
        "$(venv "$build" "$version")" -m build --wheel --no-isolation -o "$work/wheels/$version" \
            -C build-dir="$work/native-$version" -C cmake.define.REFLOW_PREBUILT="$build" "$package" >&2
        # The libraries that the engine is linked to go into the wheel, under names of their own.
        PATH=$(dirname "$python"):$PATH "$python" -m auditwheel repair -w "$work/wheels" \
            "$work/wheels/$version"/reflow-*.whl >&2
    done
    "$python" "$package/packaging/licences.py" "$work"/wheels/reflow-*.whl
    rm -f "$out"/reflow-*.whl "$out"/reflow-*.tar.gz
    mv "$work"/sdist/reflow-*.tar.gz "$work"/wheels/reflow-*.whl "$out"
    echo "$stamp" >"$work/packages-made-of"
}

bench() {
    local build=$1 python target
    shift
    python=$(venv "$build" "$(default_version)")
    target=$(develop "$build" "$(default_version)" 2>/dev/null)
    "$python" -m pip install -q --disable-pip-version-check --prefer-binary \
        -r "$package/bench/requirements.txt" >&2 || echo "python.sh: measuring without peers" >&2
    PYTHONPATH=$target "$python" "$package/bench/bench.py" --json "$build/bench.json" "$@"
}

absolute() { mkdir -p "$1" && cd "$1" && pwd; }

case "${1:-}" in
    list)
        for version in $VERSIONS; do
            python=$(interpreter "$version")
            [ -z "$python" ] || echo "$version $python"
        done
        ;;
    venv | develop) "$1" "$(absolute "$2")" "${3:-$(default_version)}" ;;
    packages) packages "$(absolute "$2")" ;;
    asan)
        folder=$(absolute "$2")
        shift 2
        asan "$folder" "$@"
        ;;
    bench)
        folder=$(absolute "$2")
        shift 2
        bench "$folder" "$@"
        ;;
    *)
        sed -n '2,17s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
