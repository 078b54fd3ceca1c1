#!/usr/bin/env bash
# The benchmarks. Most peers live in an environment of their own, since they pin old libraries; hotcoco and FiftyOne in labelloop's.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -x .venv-bench/bin/python ] || "${PYTHON:-python3}" -m venv .venv-bench
.venv-bench/bin/pip install -q -r tests/bench/peers.txt
.venv/bin/python tests/bench/bench_convert.py "$@"
