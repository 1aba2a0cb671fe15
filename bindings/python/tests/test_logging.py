"""Log lines of the engine and what components print, on their way to logging and to sys.stdout."""

import logging
import re

import pytest

import reflow
from reflow import _logging


@reflow.actor(inports=["in"])
def teller(ctx, value):
    ctx.log(value[0], value[1])


def logged(caplog, *values, **options):
    with reflow.Network(**options) as net:
        net.add("t", teller)
        for value in values:
            net.send("t.in", value)
        net.wait_idle(5)


@pytest.mark.parametrize("level, number", [("error", 40), ("warning", 30), ("info", 20)])
def test_levels(caplog, level, number):
    caplog.set_level(logging.INFO, "reflow")
    logged(caplog, [level, "water at 70 %"])
    record = caplog.records[-1]
    assert (record.levelno, record.getMessage()) == (number, "t: water at 70 %")
    assert record.name == "reflow.teller"
    assert (record.reflow_node, record.reflow_subsystem) == ("t", "teller")


def test_the_level_of_the_logger_is_that_of_a_new_runtime(caplog):
    caplog.set_level(logging.INFO, "reflow")
    logged(caplog, ["debug", "quiet"])
    assert not caplog.records
    caplog.set_level(logging.DEBUG, "reflow")
    logged(caplog, ["debug", "loud"], ["trace", "quiet"])
    assert [record.getMessage() for record in caplog.records if "t:" in record.getMessage()] == ["t: loud"]


def test_a_filter_of_the_logger_counts(caplog):
    caplog.set_level(logging.ERROR, "reflow")
    logged(caplog, ["info", "a"], ["error", "b"])
    assert [record.getMessage() for record in caplog.records] == ["t: b"]


def test_order_and_number(caplog):
    caplog.set_level(logging.INFO, "reflow")
    logged(caplog, *[["info", str(i)] for i in range(2000)])
    assert [int(re.sub("t: ", "", r.getMessage())) for r in caplog.records] == list(range(2000))


def test_a_handler_that_fails_neither_ends_the_log_nor_fails_a_wait(caplog, capsys):
    class Failing(logging.Handler):
        def handle(self, record):
            raise RuntimeError("on purpose")

    logger, handler = logging.getLogger("reflow.teller"), Failing()
    caplog.set_level(logging.INFO, "reflow")
    logger.addHandler(handler)
    try:
        logged(caplog, ["info", "lost"])
    finally:
        logger.removeHandler(handler)
    assert "RuntimeError: on purpose" in capsys.readouterr().err
    logged(caplog, ["info", "still there"])
    assert caplog.records[-1].getMessage() == "t: still there"


def test_a_hook_of_ones_own(caplog):
    caplog.set_level(logging.INFO, "reflow")
    lines = []
    logged(caplog, ["warning", "mine"], log=lambda *line: lines.append(line))
    assert lines[-1] == (2, "teller", "t", "mine") and not caplog.records


def test_printed_text_is_there_after_the_wait(capsys):
    @reflow.actor(inports=["in"])
    def printer(ctx, value):
        ctx.print(f"{value}\n")

    with reflow.Network() as net:
        net.add("p", printer)
        for i in range(100):
            net.send("p.in", i)
        net.wait_idle(5)
        assert capsys.readouterr().out == "".join(f"{i}\n" for i in range(100))


def test_flush_without_lines_returns():
    _logging.flush()


def test_exit_writes_what_was_logged(program):
    done = program("""
        import logging, reflow
        logging.basicConfig(level=logging.INFO, format="%(name)s:%(message)s")

        @reflow.actor(inports=["in"])
        def teller(ctx, value):
            ctx.log("info", "last words")
            ctx.print("printed\\n")

        net = reflow.Network()
        net.add("t", teller)
        net.send("t.in", 1)
        net._wait_idle(5)
    """)
    assert (done.returncode, done.stdout) == (0, "printed\n") and "reflow.teller:t: last words" in done.stderr


def test_logging_is_not_imported_without_need(program):
    done = program("""
        import sys, reflow
        with reflow.Network() as net:
            net.add("m", "Log")
        print("logging" in sys.modules, "asyncio" in sys.modules)
    """)
    assert done.stdout == "False False\n", done.stderr
