#!/usr/bin/env bash
# test.sh [lint] pytest | oca | account | uninstall
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/postgres.sh"
. "$ROOT/setup/test-database.sh"

free_port() { python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

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
lock_tests
# Quotes in ARGS count: -k "a or b"
args=()
eval "args=(${ARGS-})"
pg_up
# Tests from elsewhere know nothing of what other addons add: the core alone.
# shellcheck disable=SC2046  # a list
case $1 in
oca | account) make_test_database "${TEST_DB}_matrix_template" fieldservice_invoicing ;;
*) make_test_database "${TEST_DB}_template" $(addons) ;;
esac
case $1 in
pytest)
    cd "$ROOT"
    # A live server and its clients have a database of their own.
    export FIRE_DB
    db_drop "$FIRE_DB"
    db_copy "$TEST_DB" "$FIRE_DB"
    # All of them over several copies of the database at once, the longest first.
    [ -n "${TESTS-}" ] || args=(-n logical --maxprocesses 4 --dist loadfile "${args[@]}")
    # shellcheck disable=SC2046,SC2086  # a list
    pytest_on_odoo "$TEST_DB" ${TESTS:-tests $(addons)} "${args[@]}"
    ;;
oca)
    # Through pytest and not Odoo's runner, which runs tests of this kind before
    # the addons that depend on theirs are loaded.
    say "Running OCA's own tests of fieldservice"
    cd "$LOCAL/oca/odoo/addons"
    pytest_on_odoo "$TEST_DB" --rootdir="$PWD" -c "$ROOT/pyproject.toml" fieldservice "${args[@]}"
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
