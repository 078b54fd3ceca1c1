"""Which tests run when: those that start servers and the others side by side, the long ones where somebody asks for them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
SERVERS = ("browser/", "label_config/", "tools/", "datasets/test_window", "datasets/test_quality")
"""Where the tests are that start a mongod, a Label Studio or an App, or want the machine's usual ports."""


def pytest_configure() -> None:
    # A shell that starts something beside itself has it ignore Ctrl-C, and all that it starts in turn.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(ROOT) and item.path.relative_to(ROOT).as_posix().startswith(SERVERS):
            item.add_marker(pytest.mark.servers)
        if item.get_closest_marker("long") and "LABELLOOP_LONG" not in os.environ:
            item.add_marker(pytest.mark.skip(reason="takes long: LABELLOOP_LONG=1 runs it"))
