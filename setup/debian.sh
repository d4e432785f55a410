# Sourced: Debian unstable's packages, without a change to the machine's own apt.
# shellcheck shell=bash

APT_CONF=$LOCAL/apt/apt.conf
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

debian_mirror() {
    # shellcheck disable=SC2016  # apt fills these in
    apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' 2>/dev/null |
        awk '$1 == "Debian" && $2 !~ /security/ {print $3; exit}'
}

# An apt of our own: its lists, its cache and its idea of what is installed are
# in .local/apt, while the machine's proxies and certificates still apply.
private_apt() {
    local apt=$LOCAL/apt
    DEBIAN_MIRROR=${DEBIAN_MIRROR:-$(debian_mirror)}
    if [ -z "$DEBIAN_MIRROR" ]; then
        say "The package sources of this machine are not Debian's: set DEBIAN_MIRROR to a Debian mirror to get Odoo from there"
        return 1
    fi
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    echo "deb [signed-by=$DEBIAN_KEYRING] $DEBIAN_MIRROR sid main" >"$apt/sources.list"
    cat >"$APT_CONF" <<-CONF
	Dir::Etc::sourcelist "$apt/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::State "$apt";
	Dir::State::lists "$apt/lists";
	Dir::State::status "$apt/status";
	Dir::Cache "$apt/cache";
	APT::Sandbox::User "root";
	# A snapshot of the archive is past its date, though no less Debian's.
	Acquire::Check-Valid-Until "false";
	Acquire::Languages "none";
	Acquire::Retries "3";
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	CONF
    apt-get -c "$APT_CONF" -qq update
}
