# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The patches of the series, one file each in dev/data/series: a message, a line `---`, and the names of
# the files and edits that the patch brings. The first is the cover letter.
series=("$top"/dev/data/series/[0-9]*)

message_of() {
	sed '/^---$/,$d' "$1"
}

# The files and edits of a patch, by their names in this repository.
contents() {
	local pattern

	sed '1,/^---$/d' "$1" | while read -r pattern; do
		git -C "$top" ls-files --cached --others --exclude-standard -- "$pattern" | grep . ||
			die "${1##*/}: no file is called $pattern"
	done
}

# What all patches bring, each thing as often as they do.
all_contents() {
	local patch

	for patch in "${series[@]:1}"; do
		contents "$patch"
	done
}

# gather PATCH FOLDER: adds what a patch brings to a folder that dev/lib/lay.py takes for a repository.
gather() {
	mkdir -p "$2/edits"
	contents "$1" | (cd "$top" && cpio --quiet -pdmu "$2")
}

# Each file of ours that goes into the kernel stands in one patch, and in one only.
check_series() {
	local listed all

	listed=$(all_contents | sort)
	all=$(git -C "$top" ls-files --cached --others --exclude-standard -- arch Documentation edits \
		include scripts tools virt | grep -v '^edits/README.md$' | sort)
	listed=$(diff <(echo "$all") <(echo "$listed") | sed -n 's/^< /in no patch: /p; s/^> /in two patches: /p') || true
	[ -z "$listed" ] || die "$listed"
}
