# SPDX-License-Identifier: GPL-2.0
"""Counts the instructions of a program's rows with Valgrind's Callgrind, and the locked among them."""

import re
import subprocess
import tempfile
from pathlib import Path

# A prefix, or an exchange with memory, which is locked without one.
LOCKED = re.compile(r"^ *([0-9a-f]+):\t(?:lock |xchg +(?:%\w+,.*\(|.*\).*,%))", re.MULTILINE)
COST = re.compile(r"^0x([0-9a-f]+) \d+ (\d+)$")


def locked_addresses(program):
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    return {int(match[1], 16) for match in LOCKED.finditer(listing)}


def count_dump(dump, locked):
    """All instructions of a dump, and the locked ones."""
    total = total_locked = 0
    lines = iter(dump.read_text().splitlines())
    for line in lines:
        if line.startswith("calls="):
            # What the called function cost stands there once more.
            next(lines)
        elif match := COST.match(line):
            total += int(match[2])
            total_locked += int(match[2]) * (int(match[1], 16) in locked)
    return total, total_locked


def count(program):
    """The program's lines, each with the counts until the operation returned and until all was done."""
    locked = locked_addresses(program)
    with tempfile.TemporaryDirectory() as folder:
        dumps = Path(folder) / "dump"
        output = subprocess.run(
            ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", "--dump-instr=yes",
             "--compress-pos=no", f"--callgrind-out-file={dumps}", program, "count"],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        for number, line in enumerate(output.splitlines()):
            returned, rest = (count_dump(Path(f"{dumps}.{2 * number + part}"), locked)
                              for part in (1, 2))
            yield line, returned, tuple(map(sum, zip(returned, rest)))
