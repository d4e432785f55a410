#!/usr/bin/env bash
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/postgres.sh"
[ -d "$LOCAL" ] || exit 0
if [ -d "$PG_DATA" ] && ! pg_is_external; then
    pg_find_user
    pg_find_bin
    pg_find_socket
    exec 9>"$LOCAL/postgres.users"
    flock -n -x 9 || die "The demo or a test is running: stop it first."
    pg_down
    rm -rf "$PGHOST"
fi
rm -rf "$LOCAL"
