# Sourced by every script here: where things are and how to speak.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LOCAL=$ROOT/.local
VENV=$LOCAL/venv
# shellcheck disable=SC2034  # for those who source this
DEMO_DB=fieldservice_demo TEST_DB=fieldservice_test FIRE_DB=fieldservice_fire

export PATH=$VENV/bin:$PATH
export LANG=${LANG:-C.UTF-8}
export ODOO_RC=$LOCAL/odoo.conf
export PIP_DISABLE_PIP_VERSION_CHECK=1
# Bytecode lives apart, so that an Odoo the user points to stays as it is; it
# must be written somewhere, as every Odoo process here would compile it anew.
export PYTHONPYCACHEPREFIX=$LOCAL/pycache
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME

say() { printf '==> %s\n' "$*" >&2; }
die() {
    printf '\nERROR: %s\n' "$*" >&2
    exit 1
}

# For downloads: what failed, and what to do about it.
try() {
    local what=$1
    shift
    "$@" || die "$what failed, see the lines above. Once the cause is gone (network? proxy? disk full?) run the same command again: it goes on from here."
}

checksum() { sha256sum | cut -c1-16; }

# A step is done when its stamp holds the checksum of what went into it.
is_done() { [ "$(cat "$LOCAL/stamps/$1" 2>/dev/null)" = "$2" ]; }
mark_done() { echo "$2" >"$LOCAL/stamps/$1"; }

# The addons of this repository, one name a line.
addons() {
    local manifest
    for manifest in "$ROOT"/*/__manifest__.py; do
        [ ! -e "$manifest" ] || basename "$(dirname "$manifest")"
    done
}
comma() { paste -sd, -; }

# Long commands run in the background: bash handles a signal at once only while
# it waits, and it has to, to take its children and PostgreSQL down with it.
CHILD='' INTERRUPTED=''
run() {
    local status=0
    "$@" <&0 &
    CHILD=$!
    wait "$CHILD" || status=$?
    CHILD=
    return "$status"
}
# Odoo says a lot that matters only when it fails: run_quietly LOG COMMAND...
run_quietly() {
    local log=$LOCAL/$1.log
    shift
    run "$@" >"$log" 2>&1 && return
    tail -n 60 "$log" >&2
    return 1
}
stop_child() {
    [ -n "$CHILD" ] || return 0
    # Ctrl-C has reached the child too, and Odoo drops everything at a second
    # signal: give it a moment.
    local tenths=${INTERRUPTED:+30}
    while [ "${tenths:-0}" -gt 0 ] && kill -0 "$CHILD" 2>/dev/null; do
        sleep 0.1
        tenths=$((tenths - 1))
    done
    kill -TERM "$CHILD" 2>/dev/null || true
    wait "$CHILD" 2>/dev/null || true
    CHILD=
}
trap 'INTERRUPTED=1; exit 130' INT
trap 'exit 143' TERM HUP
trap stop_child EXIT
