# Sourced: a PostgreSQL server of this clone alone, started by the first command
# that needs it and stopped by the last one that ends.
# shellcheck shell=bash

PG_DATA=$LOCAL/postgres
PG_USER=
PG_BIN=
PG_SET=()

pg_is_external() { [ -n "${PG_EXTERNAL-}" ]; }
if [ -n "${PGHOST-}${PGHOSTADDR-}${PGPORT-}${PGUSER-}${PGSERVICE-}" ]; then
    PG_EXTERNAL=1
fi

# PostgreSQL refuses to run as root. Who it runs as may not be able to enter the
# clone (a CI clones under root's home): the server then gets just the one
# capability that lets it pass.
pg_find_user() {
    PG_SET=()
    if [ -d "$PG_DATA" ]; then
        PG_USER=$(stat -c %U "$PG_DATA")
    elif [ "$(id -u)" = 0 ]; then
        PG_USER=postgres
    else
        PG_USER=$(id -un)
    fi
    if [ "$PG_USER" = "$(id -un)" ]; then
        [ "$PG_USER" != root ] || die "$PG_DATA belongs to root, as whom PostgreSQL does not run: make clean, then try again."
        return
    fi
    [ "$(id -u)" = 0 ] || die "$PG_DATA belongs to $PG_USER: run as that user or as root."
    PG_SET=(setpriv "--reuid=$PG_USER" "--regid=$(id -g "$PG_USER")" --init-groups)
    if ! pg_can_enter; then
        PG_SET+=(--inh-caps=+dac_override --ambient-caps=+dac_override)
        pg_can_enter ||
            die "User $PG_USER cannot enter $LOCAL and may not be given the right to: move the clone to a folder others can enter, or set PGHOST to a server of yours."
    fi
}

pg_run() { (cd / && "${PG_SET[@]}" "$@"); }
# Not by `test -x`, which knows nothing of capabilities.
pg_can_enter() { pg_run stat "$LOCAL/." >/dev/null 2>&1; }

# A socket's path may have 107 bytes, and the server splits its list of folders
# at commas and spaces.
pg_find_socket() {
    PGHOST=$LOCAL/run
    if [ ${#PGHOST} -gt 85 ] || [[ $PGHOST =~ [^A-Za-z0-9/._-] ]]; then
        PGHOST=/tmp
        [ "$(id -u)" = 0 ] || PGHOST=${XDG_RUNTIME_DIR:-/tmp}
        PGHOST+=/odoo-$(id -u)-$(printf %s "$ROOT" | sha256sum | cut -c1-12)
    fi
    export PGHOST PGUSER=odoo
}

pg_find_bin() {
    local version='*'
    [ ! -f "$PG_DATA/PG_VERSION" ] || version=$(<"$PG_DATA/PG_VERSION")
    # shellcheck disable=SC2086  # the star is meant
    PG_BIN=$(printf '%s\n' /usr/lib/postgresql/$version/bin | sort -V | tail -1)
    [ -x "$PG_BIN/postgres" ] || die "PostgreSQL ($version) is not in /usr/lib/postgresql. Install it, or run make clean to begin with another version (this drops the demo)."
}

pg_create() {
    say "Creating the database server of this clone"
    rm -rf "$PG_DATA.new"
    mkdir -m 0700 "$PG_DATA.new"
    [ "$(id -u)" != 0 ] || chown "$PG_USER:" "$PG_DATA.new"
    pg_run "$PG_BIN/initdb" -D "$PG_DATA.new" -U odoo -A trust -E UTF8 --locale=C.UTF-8 >"$LOCAL/initdb.log" 2>&1 ||
        die "initdb failed, see $LOCAL/initdb.log"
    # A power cut may cost the last second of a demo, never its consistency.
    cat >>"$PG_DATA.new/postgresql.conf" <<-'CONF'
	listen_addresses = ''
	unix_socket_permissions = 0700
	synchronous_commit = off
	shared_buffers = 256MB
	max_wal_size = 2GB
	jit = off
	CONF
    mv "$PG_DATA.new" "$PG_DATA"
}

pg_is_running() { pg_run "$PG_BIN/pg_ctl" -D "$PG_DATA" status >/dev/null 2>&1; }

# The server may outlive this command, and must not keep its locks.
pg_start() {
    pg_run "$PG_BIN/pg_ctl" -D "$PG_DATA" -l "$PG_DATA/server.log" -w -t 120 \
        -o "-c unix_socket_directories=$PGHOST" start >/dev/null 2>&1 6>&- 8>&- 9>&-
}

pg_up() {
    if pg_is_external; then
        psql -d postgres -qAtc 'SELECT 1' >/dev/null || die "No PostgreSQL where PGHOST, PGPORT and PGUSER point to."
        return
    fi
    pg_find_user
    pg_find_bin
    pg_find_socket
    # Held (shared) as long as this command runs: see pg_down.
    exec 9>"$LOCAL/postgres.users"
    flock -s 9
    trap 'stop_child; pg_down' EXIT
    exec 8>"$LOCAL/postgres.lock"
    flock 8
    [ -d "$PG_DATA" ] || pg_create
    if ! pg_is_running; then
        [ -d "$PGHOST" ] || mkdir -m 0700 "$PGHOST"
        [ "$(id -u)" != 0 ] || chown "$PG_USER:" "$PGHOST"
        [ "$(stat -c %U:%a "$PGHOST")" = "$PG_USER:700" ] || die "$PGHOST is not a private folder of $PG_USER: remove it."
        pg_start || die "PostgreSQL did not start, see $PG_DATA/server.log"
    fi
    exec 8>&-
}

pg_down() {
    # Whoever else uses the server holds the lock too.
    flock -n -x 9 || return 0
    pg_run "$PG_BIN/pg_ctl" -D "$PG_DATA" -m fast -w stop >/dev/null 2>&1 || true
}

sql() { psql -d postgres -v ON_ERROR_STOP=1 -qAtc "$1"; }

db_exists() { [ -n "$(sql "SELECT 1 FROM pg_database WHERE datname = '$1'")" ]; }

db_drop() {
    sql "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE)" 2>/dev/null
    rm -rf "$LOCAL/data/filestore/$1"
}

db_rename() {
    rm -rf "$LOCAL/data/filestore/$2"
    [ ! -d "$LOCAL/data/filestore/$1" ] || mv "$LOCAL/data/filestore/$1" "$LOCAL/data/filestore/$2"
    sql "ALTER DATABASE \"$1\" RENAME TO \"$2\""
}

db_copy() {
    sql "CREATE DATABASE \"$2\" TEMPLATE \"$1\""
    # Odoo never changes a stored file, so links to the same ones will do.
    [ ! -d "$LOCAL/data/filestore/$1" ] || cp -rl "$LOCAL/data/filestore/$1" "$LOCAL/data/filestore/$2"
}
