#!/usr/bin/env bash
# All tests, in two processes side by side: those that start servers, which wait most of the time, and the others.
# Two that start servers would take each other's ports; tests/conftest.py says which those are.
set -uo pipefail
cd "$(dirname "$0")/.."
said=$(mktemp)
.venv/bin/python -m pytest -p no:cacheprovider -m "not servers" "$@" >"$said" 2>&1 &
others=$!
trap 'kill -INT "$others" 2>/dev/null; wait "$others"; rm -f "$said"; exit 130' INT TERM
.venv/bin/python -m pytest -m servers "$@"
status=$?
wait "$others" || status=1
echo
cat "$said"
rm -f "$said"
exit "$status"
