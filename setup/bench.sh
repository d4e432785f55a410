#!/usr/bin/env bash
# Ratios of speed, measured side by side, see setup/bench/__main__.py for variables.
# QUICK=1 takes small sizes only, two or three minutes.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/postgres.sh"
. "$ROOT/setup/test-database.sh"

CORE=fieldservice_invoicing
WITH=fieldservice_bench_with WITHOUT=fieldservice_bench_without

if [ -n "${QUICK-}" ]; then
    sizes='50 100' rounds=3 orders=1000
else
    sizes='50 100 200 500 1000 2000' rounds=9 orders=10000
fi
export SIZES=${SIZES:-$sizes} ROUNDS=${ROUNDS:-$rounds} ORDERS=${ORDERS:-$orders} LINES=${LINES:-500}

"$ROOT/setup/install.sh"
lock_tests
pg_up
make_template fieldservice_bench_template "$(foreign_addons "$CORE"),sale"
say "Making the databases to measure on"
copy_template "$WITHOUT"
copy_template "$WITH"
odoo_install "$WITH" "$CORE" || die "The core addon does not install."
say "Measuring, half an hour at most (QUICK=1: two or three minutes)"
run python "$ROOT/setup/bench" "$WITH" "$WITHOUT"
db_drop "$WITH"
db_drop "$WITHOUT"
