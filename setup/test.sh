#!/usr/bin/env bash
# test.sh [lint] pytest | oca | account | uninstall
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/postgres.sh"

free_port() { python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# What the addons here need from elsewhere.
foreign_addons() {
    python - "$ROOT" <<-'PY'
	import ast, pathlib, sys
	manifests = pathlib.Path(sys.argv[1]).glob("*/__manifest__.py")
	depends = {m.parent.name: ast.literal_eval(m.read_text()).get("depends", []) for m in manifests}
	print(",".join(sorted(set().union(*depends.values()) - set(depends)) or ["base"]))
	PY
}

# odoo_install DATABASE MODULES
odoo_install() {
    run_quietly "install-$1" python -m odoo -d "$1" -i "$2" --without-demo \
        --stop-after-init --no-http --max-cron-threads 0 ||
        die "Installing $2 failed, see above and $LOCAL/install-$1.log"
}

make_template() {
    local modules key
    modules=$(foreign_addons)
    key=$({ cat "$LOCAL/stamps/oca" "$LOCAL/lib/odoo/release.py"; readlink "$LOCAL/lib/odoo"; echo "$modules"; } | checksum)
    TEMPLATE=${TEST_DB}_template_$key
    ! db_exists "$TEMPLATE" || return 0
    say "Making the template database ($modules), a minute or so"
    local old
    for old in $(sql "SELECT datname FROM pg_database WHERE starts_with(datname, '${TEST_DB}_template_')"); do
        db_drop "$old"
    done
    odoo_install "${TEST_DB}_template_new" "$modules"
    db_rename "${TEST_DB}_template_new" "$TEMPLATE"
}

make_test_database() {
    make_template
    say "Making a fresh test database"
    db_drop "$TEST_DB"
    db_copy "$TEMPLATE" "$TEST_DB"
    odoo_install "$TEST_DB" "$(addons | comma)"
    # Without statistics the planner takes minutes for what takes milliseconds.
    psql -d "$TEST_DB" -qc ANALYZE
}

pytest_on_odoo() { run pytest --odoo-database="$TEST_DB" --odoo-http "$@"; }

# Odoo's runner is content when no test matches its tags.
odoo_tests() {
    local log=$LOCAL/$1.log
    shift
    rm -f "$log"
    run python -m odoo -d "$TEST_DB" --stop-after-init --http-port "$(free_port)" --max-cron-threads 0 \
        --logfile "$log" "$@" || {
        grep -E ' (ERROR|CRITICAL) |^(FAIL|ERROR|Traceback)|Error: ' "$log" | tail -50
        die "Tests failed, the whole log is in $log"
    }
    grep -E 'tests in|post-tests|odoo.tests.result' "$log"
    grep -qE 'odoo.tests.result: 0 failed, 0 error\(s\) of [1-9]' "$log" || die "No test was run, see $log"
}

"$ROOT/setup/install.sh"
if [ "$1" = lint ]; then
    "$ROOT/setup/lint.sh"
    shift
fi
if [ -z "$(addons)" ]; then
    say "There is no addon yet, so there is nothing to test"
    exit
fi
exec 6>"$LOCAL/test.lock"
flock -n 6 || {
    say "Waiting for the other tests of this clone"
    flock 6
}
# Quotes in ARGS count: -k "a or b"
args=()
eval "args=(${ARGS-})"
pg_up
make_test_database
case $1 in
pytest)
    cd "$ROOT"
    # shellcheck disable=SC2046,SC2086  # a list
    pytest_on_odoo ${TESTS:-$(addons)} "${args[@]}"
    ;;
oca)
    # Through pytest and not Odoo's runner, which runs tests of this kind before
    # the addons that depend on theirs are loaded.
    say "Running OCA's own tests of fieldservice"
    cd "$LOCAL/oca/odoo/addons"
    pytest_on_odoo --rootdir="$PWD" -c "$ROOT/pyproject.toml" fieldservice "${args[@]}"
    ;;
uninstall)
    say "Billing service orders, uninstalling, installing again"
    run python -m odoo shell -d "$TEST_DB" --no-http --log-level warn <"$ROOT/setup/check_uninstall.py"
    ;;
account)
    say "Running Odoo's own tests of account, a few minutes"
    # shellcheck disable=SC2086  # a list
    odoo_tests account --test-tags "$(printf '%s\n' $ACCOUNT_TAGS | comma)"
    ;;
esac
