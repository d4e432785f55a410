#!/usr/bin/env bash
# Takes the newest versions that setup/*.in and setup/npm/package.json allow.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/debian.sh"
"$ROOT/setup/install.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$ROOT/setup"

# The addons need `odoo`, which is no Python package one could download.
echo "odoo; python_version < '3'" >"$work/override"
try "uv pip compile" uv pip compile -q --upgrade --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --override "$work/override" \
    -o "$work/all" requirements.in oca.in
awk '/^[^ ]/ {oca = /^odoo-addon-/} {print > (dir (oca ? "/oca" : "/requirements"))}' dir="$work" "$work/all"

cp npm/package*.json "$work"
try "npm update" npm update --silent --package-lock-only --ignore-scripts --no-audit --no-fund \
    --omit-lockfile-registry-resolved --prefix "$work"

try "apt-get update of the private apt" private_apt
while read -r name _; do
    apt-cache -c "$APT_CONF" show --no-all-versions "$name" |
        awk '/^Package:/ {name = $2} /^Version:/ {print name, $2}'
done <debian.txt >"$work/debian"

mv "$work/debian" debian.txt
mv "$work/oca" oca.txt
mv "$work/requirements" requirements.txt
mv "$work/package-lock.json" npm/package-lock.json
