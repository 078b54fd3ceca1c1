"""`python -m labelloop.training.ultralytics_download NAME.pt`: Ultralytics' own download, into the current folder.

A process of its own, since importing Ultralytics takes seconds and cannot be undone.
"""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> None:
    """Download the weights that the command line names; exit status 1 with a sentence where it fails."""
    try:
        import_module("ultralytics.utils.downloads").attempt_download_asset(sys.argv[1])
    except Exception as error:  # whatever its network library raises
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
