#!/bin/sh
# The contender "erlang": starts the virtual machine with as many schedulers as there are workers.
# build/bench/erlang has the compiled module.
here=$(dirname "$0")
exec erl +S "$4:$4" +SDcpu 1:1 +SDio 1 +A 0 +P 2000000 -boot no_dot_erlang -noshell -noinput \
    -pa "$here/../erlang" -run bench main -extra "$@"
