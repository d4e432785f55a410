# Sourced after postgres.sh: databases to test on, and pytest on one of them.
# shellcheck shell=bash

# foreign_addons ADDON...: what these addons need from elsewhere, also by way of
# others here.
foreign_addons() {
    python - "$ROOT" "$@" <<-'PY'
	import ast, pathlib, sys
	manifests = pathlib.Path(sys.argv[1]).glob("*/__manifest__.py")
	depends = {m.parent.name: ast.literal_eval(m.read_text()).get("depends", []) for m in manifests}
	foreign, seen, todo = set(), set(), set(sys.argv[2:])
	while todo:
	    name = todo.pop()
	    seen.add(name)
	    if name in depends:
	        todo |= set(depends[name]) - seen
	    else:
	        foreign.add(name)
	print(",".join(sorted(foreign or ["base"])))
	PY
}

# installed_addons DATABASE: those of this repository that it has, one a line.
installed_addons() {
    psql -d "$1" -qAtc "SELECT name FROM ir_module_module WHERE state = 'installed' ORDER BY name" |
        grep -Fxf <(addons)
}

# odoo_install DATABASE MODULES
odoo_install() {
    run_quietly "install-$1" python -m odoo -d "$1" -i "$2" --without-demo \
        --stop-after-init --no-http --max-cron-threads 0 || {
        say "Installing $2 failed, see above and $LOCAL/install-$1.log"
        return 1
    }
    # Without statistics the planner takes minutes for what takes milliseconds.
    psql -d "$1" -qc ANALYZE
}

# make_template PREFIX MODULES: sets TEMPLATE to a database with these modules,
# made anew when they or the Odoo below have changed.
make_template() {
    local old key
    key=$({ cat "$LOCAL/stamps/oca" "$LOCAL/lib/odoo/release.py"; readlink "$LOCAL/lib/odoo"; echo "$2"; } | checksum)
    TEMPLATE=${1}_$key
    ! db_exists "$TEMPLATE" || return 0
    say "Making the template database ($2), a minute or so"
    for old in $(sql "SELECT datname FROM pg_database WHERE starts_with(datname, '${1}_')"); do
        db_drop "$old"
    done
    odoo_install "${1}_new" "$2" || die "There is no database to test on."
    db_rename "${1}_new" "$TEMPLATE"
}

# copy_template DATABASE
copy_template() {
    db_drop "$1"
    db_copy "$TEMPLATE" "$1"
}

# make_test_database TEMPLATES ADDON...
make_test_database() {
    local templates=$1
    shift
    make_template "$templates" "$(foreign_addons "$@")"
    say "Making a fresh test database"
    copy_template "$TEST_DB"
    odoo_install "$TEST_DB" "$(printf '%s\n' "$@" | comma)" || die "The addons here do not install."
}

# One command at a time has the databases of the tests.
lock_tests() {
    exec 6>"$LOCAL/test.lock"
    flock -n 6 || {
        say "Waiting for the other tests of this clone"
        flock 6
    }
}

# pytest_on_odoo DATABASE ARGUMENTS...
pytest_on_odoo() {
    local database=$1
    shift
    # The tests perform the jobs of batches themselves: no runner beside them.
    export ODOO_QUEUE_JOB_CHANNELS=root:0
    run pytest --odoo-database="$database" --odoo-http "$@"
}
