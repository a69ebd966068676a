"""``python -m kmcgrowth`` is the command ``kmcgrowth``."""

from __future__ import annotations

import sys

from kmcgrowth.cli import main

if __name__ == "__main__":
    sys.exit(main())
