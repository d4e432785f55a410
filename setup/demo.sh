#!/usr/bin/env bash
# demo.sh [reset]
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/postgres.sh"

PORT=${PORT:-8069}
NEW_DB=${DEMO_DB}_new

code_checksum() {
    # shellcheck disable=SC2046
    (cd "$ROOT" && addons | xargs -r -I{} find {} -type f ! -path '*/tests/*' -print0 | sort -z | xargs -0r sha256sum
        cat "$LOCAL/stamps/oca" "$LOCAL/lib/odoo/release.py") | checksum
}

all_modules() { { addons; printf '%s\n' fieldservice_stock fieldservice_timesheet account_payment; } | comma; }

port_is_free() {
    python - "$PORT" <<-'PY' 2>/dev/null
	import socket, sys
	s = socket.socket()
	s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	s.bind(("127.0.0.1", int(sys.argv[1])))
	PY
}

once() { run_quietly demo-install python -m odoo -d "$@" --stop-after-init --no-http --max-cron-threads 0; }

create() {
    db_drop "$NEW_DB"
    say "Creating the demo database with Odoo's demo data (two minutes or so)"
    once "$NEW_DB" -i "$(all_modules)" --with-demo || die "The demo database could not be made, see above and $LOCAL/demo-install.log"
    if [ -e "$ROOT/setup/demo.py" ]; then
        say "Adding the demo company, its users and its orders"
        run python -m odoo shell -d "$NEW_DB" --no-http --log-level warn <"$ROOT/setup/demo.py" ||
            die "setup/demo.py failed, see above"
    fi
    psql -d "$NEW_DB" -qc ANALYZE
    db_rename "$NEW_DB" "$DEMO_DB"
    mark_done demo "$(code_checksum)"
}

update() {
    local sum
    sum=$(code_checksum)
    is_done demo "$sum" && return
    say "The addons have changed: updating the demo database"
    once "$DEMO_DB" -i "$(all_modules)" -u "$(addons | comma)" ||
        die "The update failed, see above and $LOCAL/demo-install.log. make demo-reset begins with a new database."
    mark_done demo "$sum"
}

"$ROOT/setup/install.sh"
port_is_free || die "Port $PORT is taken (another Odoo?). Take another one: PORT=8070 make demo"
exec 6>"$LOCAL/demo.lock"
flock -n 6 || die "The demo of this clone is running already. Stop it with Ctrl-C where it was started."
say "Starting PostgreSQL"
pg_up
[ "${1-}" != reset ] || db_drop "$DEMO_DB"
if db_exists "$DEMO_DB"; then update; else create; fi

say "Starting Odoo"
# with the runner of the jobs that bill large batches
python -m odoo -d "$DEMO_DB" --http-port "$PORT" --load base,web,rpc,queue_job >"$LOCAL/demo.log" 2>&1 &
CHILD=$!
until python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$PORT/web/health')" 2>/dev/null; do
    kill -0 "$CHILD" 2>/dev/null || {
        tail -n 30 "$LOCAL/demo.log" >&2
        die "Odoo did not start, see above and $LOCAL/demo.log"
    }
    sleep 0.5
done
cat <<END

    Odoo is ready:  http://127.0.0.1:$PORT

    Login and password
      admin / admin            (settings, everything)
      dispatcher / dispatcher
      accountant / accountant
      worker / worker

    Ctrl-C stops it. The data stays; make demo-reset begins anew.
    What Odoo has to say is in .local/demo.log

END
run_status=0
wait "$CHILD" || run_status=$?
CHILD=
exit "$run_status"
