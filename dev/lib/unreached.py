#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""unreached.py TRACE: lists what a trace of lcov's says was never run, with the reason for it that
dev/data/unreached.txt knows, and fails where there is none."""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


class Counts:
    def __init__(self):
        self.lines = {}
        self.branches = {}


def read(trace):
    """Counts by source file, summed over the formats that each function was inlined for."""
    files, counts = {}, None
    for line in Path(trace).read_text().splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            counts = files.setdefault(Path(rest), Counts())
        elif kind == "DA":
            number, count = map(int, rest.split(",")[:2])
            counts.lines[number] = counts.lines.get(number, 0) + count
        elif kind == "BRDA":
            *place, count = rest.split(",")
            taken = 0 if count == "-" else int(count)
            counts.branches[tuple(place)] = counts.branches.get(tuple(place), 0) + taken
    return files


def reasons():
    known = {}
    for line in (TOP / "dev/data/unreached.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            file, text, reason = line.split(" | ")
            known[file, text] = reason
    return known


def share(word, counts):
    reached = sum(count > 0 for count in counts)
    return f"{word}: {100 * reached / len(counts):.1f} % ({reached} of {len(counts)})"


def main(trace):
    files, known = read(trace), reasons()
    print(share("lines", [n for counts in files.values() for n in counts.lines.values()]) + ", " +
          share("branches", [n for counts in files.values() for n in counts.branches.values()]))
    unexplained = 0
    for path, counts in sorted(files.items()):
        text = path.read_text().splitlines()
        for number in sorted(n for n, count in counts.lines.items() if not count):
            line = text[number - 1].strip()
            reason = known.get((path.name, line))
            unexplained += reason is None
            print(f"{path.name}:{number}: {line}: {reason or 'error: no test reaches this'}")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
