# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# apt states of our own under build/apt: other suites than the system's can be read without
# a change of the system's settings, and without root.

release_codename() {
	sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}

# The system's own Debian mirror, as apt itself knows it.
debian_mirror() {
	command -v apt-get >/dev/null || return 1
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)' |
		awk -v release="$(release_codename)" \
			'$2 == release && $3 == "main" && $4 == "Packages" && !n++ { print $1 }' | grep .
}

# apt_source TYPE SUITE: the line of a sources.list, verified by Debian's own keyring.
apt_source() {
	local mirror

	mirror=$(debian_mirror) || die "apt knows no Debian mirror here"
	echo "$1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $2 main"
}

# apt_state NAME [LINE...]: has apt read only the sources that the lines name;
# `"${apt_get[@]}"` and `"${apt_cache[@]}"` work on them from then on.
apt_state() {
	local state=$build/apt/$1
	shift
	mkdir -p "$state/lists/partial" "$state/sources"
	printf '%s\n' "$@" >"$state/sources.list"
	cat >"$state/apt.conf" <<-EOT
		Dir::State "$state";
		Dir::State::lists "$state/lists";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::State::extended_states "/var/lib/apt/extended_states";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		Dir::Etc::sourcelist "$state/sources.list";
		Dir::Etc::sourceparts "$state/sources";
		Acquire::Retries "3";
		Acquire::Languages "none";
	EOT
	# shellcheck disable=SC2034
	apt_get=(apt-get -c "$state/apt.conf")
	# shellcheck disable=SC2034
	apt_cache=(apt-cache -c "$state/apt.conf")
}

# Has the state read the system's sources too.
apt_system_sources() {
	local state=$build/apt/$1 file

	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
		[ ! -e "$file" ] || ln -sfn "$file" "$state/sources/system-${file##*/}"
	done
}
