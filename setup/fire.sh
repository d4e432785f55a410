#!/usr/bin/env bash
# fire.sh: a live Odoo under fire, see docs/FIRE.md. The numbers in the environment
# (SUBMITS, ORDERS, ...) reach the scripts in fire.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/postgres.sh"
. "$ROOT/setup/test-database.sh"

"$ROOT/setup/install.sh"
lock_tests
pg_up
# shellcheck disable=SC2046  # a list
make_test_database "${TEST_DB}_template" $(addons)
cd "$ROOT"

# run_script NAME: those that need no live server are tests.
run_script() {
    db_drop "$FIRE_DB"
    db_copy "$TEST_DB" "$FIRE_DB"
    case $1 in
    walk) STEPS=${STEPS:-10000} pytest_on_odoo "$FIRE_DB" tests/test_public_walk.py ;;
    rights) pytest_on_odoo "$FIRE_DB" tests/test_rights_table.py ;;
    *) run python -m "fire.$1" "$FIRE_DB" ;;
    esac
}

wrong=()
for script in ${FIRE:-double_submit kill sending walk rights}; do
    say "$script"
    run_script "$script" || wrong+=("$script")
done
db_drop "$FIRE_DB"
[ ${#wrong[@]} = 0 ] || die "Not as it should be, see above: ${wrong[*]}"
