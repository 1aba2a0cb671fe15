#!/usr/bin/env bash
# Makes sure that what reflow is built from is there.
#
#   scripts/install-deps.sh [build|long|lint|bench|all]...
#   scripts/install-deps.sh which-clang     prints the clang++ that test-long uses
#
# build (default): compiler, CMake, libraries, everything for `make run` and `make test`
# long: valgrind and a second compiler, for `make test-long`
# lint: clang-format, clang-tidy, shellcheck, for `make fmt` and `make lint`
# bench: what `make bench` compares with, for `make bench-deps`; all is without it
#
# It looks first and changes nothing when all is present. On Debian and Ubuntu the rest is installed
# by apt, as root or through sudo; elsewhere it is only named. Nothing else is touched.
set -euo pipefail

readonly GCC_MIN=12 CLANG_MIN=15 CMAKE_MIN=3.25 PYTHON_MIN=3.9

missing=()   # packages of Debian that would bring what is missing
problems=()  # what is missing or too old, for people

have() { command -v "$1" >/dev/null 2>&1; }

# need <package> <what it is>: notes that something is missing.
need() {
    missing+=("$1")
    problems+=("$2")
}

# at_least <version> <minimum>: compares the first two numbers.
at_least() {
    local major=${1%%.*} rest minor=0 min_major=${2%%.*} min_minor=0
    rest=${1#*.}
    [ "$rest" = "$1" ] || minor=${rest%%.*}
    [ "${2#*.}" = "$2" ] || min_minor=${2#*.}
    [ "$major" -gt "$min_major" ] || { [ "$major" -eq "$min_major" ] && [ "$minor" -ge "$min_minor" ]; }
}

# first_version: the first thing on stdin that looks like a version, or 0.
first_version() {
    local text
    text=$(cat)
    [[ $text =~ [0-9]+\.[0-9]+ ]] && printf '%s\n' "${BASH_REMATCH[0]}" || echo 0
}

check_compiler() {
    local language=$1 command=$2 fallback=$3 package=$4 macros
    have "$command" || command=$fallback
    if ! have "$command"; then
        need "$package" "a $language compiler (gcc >= $GCC_MIN or clang >= $CLANG_MIN)"
        return
    fi
    macros=$(printf '__clang_major__ __GNUC__\n' | "$command" -E -P - 2>/dev/null) || macros=""
    case "$macros" in
        *__clang_major__\ *)
            at_least "${macros##* }" "$GCC_MIN" || need "$package" \
                "gcc >= $GCC_MIN ($command is gcc ${macros##* })" ;;
        [0-9]*)
            at_least "${macros%% *}" "$CLANG_MIN" || need "$package" \
                "clang >= $CLANG_MIN ($command is clang ${macros%% *})" ;;
        *) need "$package" "a $language compiler that works ($command does not)" ;;
    esac
}

check_build() {
    local version
    have make || need make "make"
    have git || need git "git"
    check_compiler C "${CC:-cc}" gcc gcc
    check_compiler C++ "${CXX:-c++}" g++ g++
    if ! have nm || ! have readelf || ! have strip; then
        need binutils "nm, readelf and strip"
    fi
    if have cmake; then
        version=$(cmake --version | first_version)
        at_least "$version" "$CMAKE_MIN" || need cmake "cmake >= $CMAKE_MIN (found $version)"
    else
        need cmake "cmake >= $CMAKE_MIN"
    fi
    if have python3; then
        version=$(python3 --version 2>&1 | first_version)
        at_least "$version" "$PYTHON_MIN" || need python3 "python3 >= $PYTHON_MIN (found $version)"
    else
        need python3 "python3 >= $PYTHON_MIN"
    fi
    # Faster with them, possible without.
    if have apt-get; then
        have ninja || need ninja-build "ninja"
        have ccache || need ccache "ccache"
    fi
    if have pkg-config; then
        pkg-config --exists yaml-0.1 || need libyaml-dev "libyaml"
        pkg-config --exists msgpack-c || pkg-config --exists msgpack ||
            need "$(msgpack_package)" "msgpack-c"
        pkg-config --exists libuv || need libuv1-dev "libuv"
        pkg-config --exists openssl || need libssl-dev "OpenSSL"
        pkg-config --exists libcurl || need libcurl4-openssl-dev "libcurl"
        pkg-config --exists libzstd || need libzstd-dev "zstd"
        pkg-config --exists tomlplusplus || need libtomlplusplus-dev "toml++"
        pkg-config --exists CLI11 || need libcli11-dev "CLI11"
        pkg-config --exists libuv || need libuv1-dev "libuv"
        pkg-config --exists openssl || need libssl-dev "OpenSSL"
        has_header toml++/toml.h || need libtomlplusplus-dev "toml++"
        pkg-config --exists gtest || need libgtest-dev "GoogleTest"
    else
        need pkg-config "pkg-config"
        need libyaml-dev "libyaml"
        need "$(msgpack_package)" "msgpack-c"
        need libuv1-dev "libuv"
        need libssl-dev "OpenSSL"
        need libcurl4-openssl-dev "libcurl"
        need libzstd-dev "zstd"
        need libtomlplusplus-dev "toml++"
        need libcli11-dev "CLI11"
        need libuv1-dev "libuv"
        need libssl-dev "OpenSSL"
        need libtomlplusplus-dev "toml++"
        need libgtest-dev "GoogleTest"
    fi
}

# The C library was renamed after Debian 12.
msgpack_package() {
    if have apt-cache && apt-cache show libmsgpack-c-dev >/dev/null 2>&1; then
        echo libmsgpack-c-dev
    else
        echo libmsgpack-dev
    fi
}

# second_clang: the name of a clang that is new enough, or nothing.
second_clang() {
    local name version
    for name in clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++; do
        if have "$name"; then
            version=$("$name" --version | first_version)
            if at_least "$version" "$CLANG_MIN"; then
                echo "$name"
                return
            fi
        fi
    done
}

clang_package() {
    local number
    for number in 16 15 17 18 19; do
        if have apt-cache && apt-cache show "clang-$number" >/dev/null 2>&1; then
            echo "clang-$number"
            return
        fi
    done
    echo clang
}

check_long() {
    have valgrind || need valgrind "valgrind"
    if ! have abidw || ! have abidiff; then
        need abigail-tools "abidw and abidiff"
    fi
    [ -n "$(second_clang)" ] || need "$(clang_package)" "clang >= $CLANG_MIN"
}

check_lint() {
    have clang-format || need clang-format "clang-format"
    have clang-tidy || need clang-tidy "clang-tidy"
    have shellcheck || need shellcheck "shellcheck"
}

# has_header <header>: whether the C++ compiler finds it.
has_header() {
    printf '#if !__has_include(<%s>)\n#error\n#endif\n' "$1" |
        "${CXX:-c++}" -std=c++20 -E -x c++ - >/dev/null 2>&1
}

# A toolchain that is here is taken as it is: a newer one than Debian's may be meant.
check_bench() {
    has_header oneapi/tbb.h || need libtbb-dev "oneTBB"
    has_header caf/all.hpp || need libcaf-dev "the C++ Actor Framework"
    has_header cjson/cJSON.h || need libcjson-dev "cJSON"
    has_header zmq.h || need libzmq3-dev "ZeroMQ"
    has_header nats/nats.h || need libnats-dev "the client of NATS in C"
    have nats-server || need nats-server "the server of NATS"
    have erlc || need erlang-base "Erlang"
    have go || need golang-go "Go"
    have cargo || need cargo "Rust"
}

check() {
    missing=()
    problems=()
    local tier
    for tier in "${tiers[@]}"; do
        case "$tier" in
            build) check_build ;;
            long) check_build; check_long ;;
            lint) check_lint ;;
            bench) check_bench ;;
            all) check_build; check_long; check_lint ;;
        esac
    done
}

list_problems() {
    local problem
    for problem in "${problems[@]}"; do printf '  %s\n' "$problem" >&2; done
}

apt_install() {
    local prefix=()
    if [ "$(id -u)" -ne 0 ]; then
        if have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            prefix=(sudo)
        else
            echo "install-deps: this is missing and only root can install it:" >&2
            list_problems
            echo "run as root:" >&2
            echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
            exit 1
        fi
    fi
    prefix+=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300
        -o Acquire::Retries=3)
    "${prefix[@]}" update </dev/null >&2
    check # the names of some packages are known only now
    echo "installing: ${missing[*]}" >&2
    "${prefix[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >&2
    hash -r
}

main() {
    tiers=("$@")
    [ "${#tiers[@]}" -gt 0 ] || tiers=(build)
    local tier
    for tier in "${tiers[@]}"; do
        case "$tier" in
            build | long | lint | bench | all) ;;
            which-clang)
                second_clang
                return
                ;;
            *)
                echo "usage: scripts/install-deps.sh [build|long|lint|bench|all]..." >&2
                exit 2
                ;;
        esac
    done

    check
    [ "${#missing[@]}" -gt 0 ] || return 0

    if ! have apt-get; then
        echo "install-deps: please install with your system's package manager:" >&2
        list_problems
        exit 1
    fi
    apt_install
    check
    if [ "${#missing[@]}" -gt 0 ]; then
        echo "install-deps: this is still missing or too old after installing:" >&2
        list_problems
        echo "reflow needs Debian 12, Ubuntu 24.04 or newer, or newer tools in PATH (CC and CXX" >&2
        echo "choose the compilers)" >&2
        exit 1
    fi
}

main "$@"
