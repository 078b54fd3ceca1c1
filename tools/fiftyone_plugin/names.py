"""The names by which FiftyOne knows the plugin, and the files by which it finds it.

They are listed here, and not made from the actions, so that whoever starts FiftyOne need not know
what can be done in it; a test compares the two.
"""

from __future__ import annotations

from ..._version import VERSION

OWNER = "@labelloop/labelloop"
PANEL = "labels"
ERRORS = "errors"
ROUNDS = "rounds"
PANELS = (PANEL, ERRORS, ROUNDS)
OPERATORS = (
    "commit", "refresh", "diff", "split", "push", "pull", "conflicts", "export", "near_duplicates", "revert", "preview",
    "train", "run", "inspect", "compare", "suspects", "round_start", "round_settle",
    "round_report",
)  # fmt: skip
SCRIPT = "reload.js"

MANIFEST = "\n".join(
    (
        f'name: "{OWNER}"',
        f"version: {VERSION}",
        "description: Versions of the labels, and what can be done with them",
        "fiftyone:",
        '  version: "*"',
        f"js_bundle: {SCRIPT}",
        "operators:",
        *(f"  - {operator}" for operator in OPERATORS),
        "panels:",
        *(f"  - {panel}" for panel in PANELS),
        "",
    )
)
"""FiftyOne's fiftyone.yml: what is not named in it is passed over without a word."""

MODULE = '''"""Written by labelloop; the plugin is in its package."""

from labelloop.tools.fiftyone_plugin.adapter import register  # noqa: F401
'''
