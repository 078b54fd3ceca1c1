"""Tests that take minutes together are run where somebody asks for them: LABELLOOP_LONG=1 make test."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "LABELLOOP_LONG" in os.environ:
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes long: LABELLOOP_LONG=1 runs it"))
