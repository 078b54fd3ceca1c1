"""labelloop inside FiftyOne's App: the panel Labels, and what the command line can do as forms."""

from __future__ import annotations

from ..._version import VERSION
from .actions import ACTIONS

OWNER = "@labelloop/labelloop"
PANEL = "labels"
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
        *(f"  - {action.name}" for action in ACTIONS),
        "panels:",
        f"  - {PANEL}",
        "",
    )
)
"""FiftyOne's fiftyone.yml: what is not named in it is passed over without a word."""

MODULE = '''"""Written by labelloop; the plugin is in its package."""

from labelloop.tools.fiftyone_plugin.adapter import register  # noqa: F401
'''
