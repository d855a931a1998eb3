"""``python -m limn`` is the command line."""

from __future__ import annotations

from limn.cli import main

if __name__ == "__main__":
    main()
