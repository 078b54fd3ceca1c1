"""labelloop: raw photos and JSON labels in, a training set that can be trusted out."""

from __future__ import annotations

from ._version import VERSION

__version__ = VERSION

__all__ = ["__version__"]
