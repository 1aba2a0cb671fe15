"""``python -m reflow``: the command line tool that comes with the package.

The program is a binary beside the native module. It takes the place of this process, so that signals,
terminals and exit codes are its own.
"""

import os
import sys
from typing import NoReturn

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_engine", "bin", "reflow")


def _become(name: str) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execv(PROGRAM, [name, *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"reflow: cannot run {PROGRAM}: {error.strerror}; reinstall the package")


def main() -> NoReturn:
    """The console script ``reflow``."""
    _become("reflow")


def peer() -> NoReturn:
    """The console script ``reflow-peer``: ``reflow peer run``."""
    _become("reflow-peer")


def discovery() -> NoReturn:
    """The console script ``reflow-discovery``: ``reflow discovery serve``."""
    _become("reflow-discovery")


if __name__ == "__main__":
    main()
