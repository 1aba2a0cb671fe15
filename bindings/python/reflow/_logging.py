"""Log lines of the engine, handed to :mod:`logging`: ``logging.getLogger("reflow")`` and its children.

The engine writes lines on threads of its own into a bounded queue. One thread of Python takes them from
there and logs them, so no thread of the engine ever waits for a handler. Each line goes to the logger
``reflow.<subsystem>``, such as ``reflow.network`` or ``reflow.Log``; the record has the attributes
``reflow_node`` and ``reflow_subsystem``.

What components print for a person, such as the tables of TablePrint, comes the same way and is written to
``sys.stdout``.
"""

from __future__ import annotations

import os
import sys
import threading

from . import _reflow

# What the levels of the engine are in logging. TRACE is below DEBUG.
TRACE = 5
LEVELS = {1: 40, 2: 30, 3: 20, 4: 10, 5: TRACE}
NAMES = {"error": 1, "warn": 2, "warning": 2, "info": 3, "debug": 4, "trace": 5}

_pid = 0
_lock = threading.Lock()
_handling = threading.RLock()


def engine_level() -> int:
    """The least important level that a new runtime logs: "info", or what the logger asks for below."""
    if "logging" not in sys.modules:
        return 3
    import logging  # the thread of the log may be importing it just now: this waits for that

    level = logging.getLogger("reflow").getEffectiveLevel()
    return 5 if level <= TRACE else 4 if level <= 10 else 3


def _tell(level: int, subsystem: str, node: str, text: str) -> None:
    """Hands one line over."""
    if level == 0:  # what a component prints for a person
        if sys.stdout is not None:
            sys.stdout.write(text)
            sys.stdout.flush()
        return
    import logging

    logger = logging.getLogger(f"reflow.{subsystem}" if subsystem else "reflow")
    number = LEVELS.get(level, 20)
    if logger.isEnabledFor(number):
        extra = {"reflow_node": node, "reflow_subsystem": subsystem}
        logger.log(number, "%s", f"{node}: {text}" if node else text, extra=extra)


def _emit() -> int:
    """Hands over what waits; how many lines there were."""
    with _handling:  # also while it is handed over, so that flush knows
        lines, lost = _reflow.log_take()
        if lost:
            lines.append((2, "", "", f"{lost} lines of the log were lost"))
        for line in lines:
            try:
                _tell(*line)
            except Exception:  # a handler that fails must neither end the log nor fail a wait
                import traceback

                traceback.print_exc()
        return len(lines)


def _run() -> None:
    while True:
        _reflow.log_wait(3600.0)
        _emit()


def start() -> None:
    """Sees to it that the thread runs; called before a runtime is made, in each process anew."""
    global _pid, _lock, _handling
    if _pid == os.getpid():
        return
    if _pid:  # a child of a fork: locks may be held by threads that are not here
        _lock = threading.Lock()
        _handling = threading.RLock()
        _reflow.log_reset()
    with _lock:
        if _pid == os.getpid():
            return
        threading.Thread(target=_run, name="reflow-log", daemon=True).start()
        if not _pid:
            import atexit

            atexit.register(flush)
        _pid = os.getpid()


def flush() -> None:
    """Returns when all lines that the engine has logged so far have been handed to the handlers."""
    if _pid == os.getpid():
        while _emit():
            pass
