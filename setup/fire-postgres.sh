#!/usr/bin/env bash
# fire-postgres.sh FOLDER: starts the database server that fire/kill.py kills, which is
# nobody else's. Its data is in FOLDER/data, its socket in FOLDER.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
unset PGHOST PGHOSTADDR PGPORT PGUSER PGSERVICE
. "$ROOT/setup/postgres.sh"
PG_DATA=$1/data PGHOST=$1
mkdir -p "$LOCAL"
pg_find_user
pg_find_bin
[ "$(id -u)" != 0 ] || chown "$PG_USER:" "$1"
if [ ! -d "$PG_DATA" ]; then
    pg_create
    # What is committed has to outlive the server.
    echo 'synchronous_commit = on' >>"$PG_DATA/postgresql.conf"
fi
pg_start
