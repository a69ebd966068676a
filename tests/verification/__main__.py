"""Verification of the engines as a program of its own: ``python tests/verification [--list] [CASE ...] [--fast]``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # run as a folder: the modules are found as ``verification.x``, beside the models that the tests share
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from verification.report import main

    sys.exit(main())
