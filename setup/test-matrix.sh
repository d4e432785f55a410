#!/usr/bin/env bash
# Each addon's tests, and the core's, on a database with no more than it needs.
# MATRIX="core stock" takes some: names of addons without fieldservice_invoicing_
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/postgres.sh"
. "$ROOT/setup/test-database.sh"

CORE=fieldservice_invoicing
MATRIX_DB=${TEST_DB}_matrix
ROWS=()

combinations() { addons | sed "s/^$CORE\$/core/; s/^${CORE}_//" | sort; }

addon_of() { if [ "$1" = core ]; then echo "$CORE"; else echo "${CORE}_$1"; fi; }

ensure_known() {
    local name
    for name in "$@"; do
        combinations | grep -qFx "$name" || die "MATRIX knows no $name, only: $(combinations | paste -sd' ' -)"
    done
}

installs_by_itself() {
    python - "$ROOT/$1/__manifest__.py" <<-'PY'
	import ast, pathlib, sys
	sys.exit(not ast.literal_eval(pathlib.Path(sys.argv[1]).read_text()).get("auto_install"))
	PY
}

# What somebody would install who wants this addon: one that installs by itself
# has to come with what it depends on.
wanted_modules() {
    echo "$CORE"
    if installs_by_itself "$1"; then foreign_addons "$1"; else echo "$1"; fi
}

# make_database ADDON
make_database() {
    copy_template "$MATRIX_DB"
    odoo_install "$MATRIX_DB" "$(wanted_modules "$1" | comma)" || return 1
    installed_addons "$MATRIX_DB" | grep -qFx "$1" || {
        say "$1 did not install by itself, with all that it depends on there"
        return 1
    }
}

# What pytest's report says: "212 passed, 3 failed, 1 skipped"
counts() {
    python - "$1" <<-'PY'
	import sys, xml.etree.ElementTree as tree
	suite = tree.parse(sys.argv[1]).find(".//testsuite")
	total, failed, errors, skipped = (int(suite.get(n)) for n in ("tests", "failures", "errors", "skipped"))
	print(f"{total - failed - errors - skipped} passed, {failed + errors} failed, {skipped} skipped")
	PY
}

# test_combination NAME: a row for the table; fails when a test did.
test_combination() {
    local name=$1 begin=$SECONDS report=$LOCAL/matrix-$1.xml result='not installed' status=1
    local installed=()
    say "$name: making its database"
    rm -f "$report"
    if make_database "$(addon_of "$name")"; then
        mapfile -t installed < <(installed_addons "$MATRIX_DB")
        say "$name: testing ${installed[*]}"
        status=0
        pytest_on_odoo "$MATRIX_DB" --junitxml="$report" "${installed[@]}" "${args[@]}" || status=$?
        result=$(counts "$report") || result='not run'
    fi
    ROWS+=("$name|$result|$((SECONDS - begin))|${installed[*]}")
    return "$status"
}

print_table() {
    printf '\n%-18s %-38s %7s  %s\n' combination tests seconds 'addons installed'
    local name result seconds installed
    for row in "${ROWS[@]}"; do
        IFS='|' read -r name result seconds installed <<<"$row"
        printf '%-18s %-38s %7s  %s\n' "$name" "$result" "$seconds" "$installed"
    done
}

"$ROOT/setup/install.sh"
read -ra names <<<"${MATRIX:-$(combinations | paste -sd' ' -)}"
ensure_known "${names[@]}"
lock_tests
# Quotes in ARGS count: -k "a or b"
args=()
eval "args=(${ARGS-})"
pg_up
cd "$ROOT"
make_template "${MATRIX_DB}_template" "$(foreign_addons "$CORE")"
failed=0
for name in "${names[@]}"; do
    test_combination "$name" || failed=1
done
db_drop "$MATRIX_DB"
print_table
exit "$failed"
