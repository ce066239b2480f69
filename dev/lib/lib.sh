# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the scripts in dev/: `. "$(dirname "$0")/lib/lib.sh"`.
set -euo pipefail
shopt -s inherit_errexit nullglob
# Messages of apt, make and the compilers are searched for words below.
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# An older kernel, for the engine and its tests, has a build of its own.
build=$top/build${KERNEL:+/$KERNEL}
logs=$build/log
mkdir -p "$logs"
# What one clone has compiled, another need not.
export CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "error: $*"
	exit 1
}

# lock NAME: one run at a time of what NAME protects, until this script ends.
# The descriptor is closed in the commands that `step` runs, so none outlives us with it.
lock() {
	exec {lock_fd}>"$build/.lock-$1"
	flock --nonblock "$lock_fd" && return
	say "$1: another run is at work, waiting for it"
	flock "$lock_fd"
}

# needs GIB_DISK GIB_MEMORY MINUTES WHAT [DIR]: states what is needed and checks it.
# What DIR (under build/) holds already counts as free disk.
needs() {
	local disk=$1 memory=$2 minutes=$3 what=$4 dir=${5:-}

	say "$what: needs up to $disk GiB of disk, $memory GiB of memory, $minutes min the first time"
	need_disk "$disk" "$dir"
	need_memory "$memory"
}

need_disk() {
	local free used=0

	free=$(df --output=avail -k "$build" | tail -n 1)
	[ ! -d "${2:-}" ] || used=$(du -sk "$2" | cut -f 1)
	(( free + used >= $1 * 1048576 )) ||
		die "$1 GiB of disk are needed in $build, $((free / 1048576)) GiB are free"
}

need_memory() {
	local free

	free=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
	(( free >= $1 * 1048576 )) ||
		die "$1 GiB of memory are needed, $((free / 1048576)) GiB are available"
}

since() {
	local seconds=$((SECONDS - $1))

	printf '%d:%02d' $((seconds / 60)) $((seconds % 60))
}

# The share of the lines expected in a log that it has, or nothing where none are known.
percent() {
	local lines

	[ "$2" -gt 0 ] || return 0
	lines=$(wc -l <"$1")
	printf '%3d%% ' $((lines >= $2 ? 99 : lines * 100 / $2))
}

watch_step() {
	local name=$1 log=$2 expected=$3 began=$4 period=30 form='%s%s, %s\n'

	[ ! -t 2 ] || { period=1; form='\r\033[K%s%s, %s'; }
	while sleep $period; do
		# shellcheck disable=SC2059
		printf "$form" "$(percent "$log" "$expected")" "$name" "$(since "$began")" >&2
	done
}

end_step() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
	say "$*"
}

# step NAME COMMAND [ARG...]: runs a long command, or function, with its output in
# build/log/NAME.log and its progress on stderr; ends the script where it fails.
# Not for conditions (if, &&, ||): there bash would ignore errors inside a function.
# STEP_LINES is the number of log lines to expect where no earlier run told it.
step() {
	local name=$1 log counted expected counted_lines job watcher status=0 began=$SECONDS
	shift
	log=$logs/${name//[^A-Za-z0-9.-]/-}.log
	counted=${log%.log}.lines
	expected=$(cat "$counted" 2>/dev/null || echo "${STEP_LINES:-0}")

	[ -t 2 ] || say "$name ..."
	# Job control gives the command a process group of its own, to be ended as a whole.
	set -m
	(
		trap - INT TERM HUP
		[ -z "${lock_fd:-}" ] || exec {lock_fd}>&-
		"$@"
	) >"$log" 2>&1 </dev/null &
	job=$!
	watch_step "$name" "$log" "$expected" "$began" &
	watcher=$!
	set +m
	# shellcheck disable=SC2064
	trap "interrupt_step '$name' $began $job $watcher" INT TERM HUP
	wait $job || status=$?
	trap - INT TERM HUP
	end_group $watcher

	if [ $status -ne 0 ]; then
		end_step "$name: failed after $(since "$began"); the end of $log:"
		tail -n 20 "$log" >&2
		exit $status
	fi
	# A run with little to do does not tell how much a full one says.
	counted_lines=$(wc -l <"$log")
	[ "$counted_lines" -le "$expected" ] || echo "$counted_lines" >"$counted"
	end_step "$name: done, $(since "$began")"
}

end_group() {
	kill -- "-$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

interrupt_step() {
	trap '' INT TERM HUP
	end_group "$3"
	end_group "$4"
	end_step "$1: interrupted after $(since "$2"); run it again to go on"
	exit 130
}
