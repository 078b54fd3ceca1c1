"""The one place that says which version of labelloop this is."""

VERSION = "0.1.0.dev0"
