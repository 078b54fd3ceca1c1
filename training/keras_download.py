"""`python -m labelloop.training.keras_download MODEL FILE`: weights trained on ImageNet, by Keras' own download, as a file.

A process of its own, since importing Keras takes seconds and cannot be undone.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

_ANSWER_SECONDS = 20.0
"""How long a server may be silent; Keras itself would wait for as long as that takes."""


def main() -> None:
    """Download the weights that the command line names; exit status 1 with a sentence where it fails."""
    model, target = sys.argv[1], Path(sys.argv[2])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    socket.setdefaulttimeout(_ANSWER_SECONDS)
    from .keras_models import application

    beside = target.with_name(f".{os.getpid()}-{target.name}")
    try:
        application(model, 224, "imagenet").save_weights(str(beside))
        os.replace(beside, target)
    except Exception as error:  # whatever Keras and its network library raise
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")
    finally:
        beside.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
