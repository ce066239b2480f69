# SPDX-License-Identifier: GPL-2.0
"""What the unmodified kernel does in the same tests on the same emulated hardware."""

import re
from dataclasses import dataclass, field

from .options import TOP

HEADER = """\
# What the unmodified kernel does on {model}; written by
# `make boot HW={hardware} STOCK=1 RECORD=1`, read when a ported kernel is judged.
# result, lines of output that tell of something skipped, seconds, CPUs, test | kernel parameters;
# "says": what it complains of outside of the tests
"""


@dataclass
class Record:
    result: str
    skips: int
    seconds: float


@dataclass
class Baseline:
    records: dict = field(default_factory=dict)
    complaints: set = field(default_factory=set)

    def test(self, options, test):
        return self.records.get(key(options, test))


def key(options, test):
    return f"{options.cpus} {test}" + (f" | {options.append}" if options.append else "")


def gist(complaint):
    """A kernel complaint without the numbers that differ from build to build."""
    return re.sub(r"\+0x\S+|\d+", "", complaint)


def path(options):
    return TOP / "dev/data/baseline" / f"{options.name}-{options.model.replace(',', '')}.txt"


def read(options):
    baseline = Baseline()
    lines = path(options).read_text().splitlines() if path(options).exists() else []
    for line in lines:
        if line.startswith("says "):
            baseline.complaints.add(line.split(None, 1)[1])
        elif not line.startswith("#"):
            result, skips, seconds, rest = line.split(None, 3)
            baseline.records[rest] = Record(result, int(skips), float(seconds))
    return baseline


def write(options, results, complaints):
    baseline = read(options)
    baseline.complaints |= {gist(line) for line in complaints}
    for result in results:
        baseline.records[key(options, result.test)] = Record(
            result.verdict, result.skips, result.seconds)
    path(options).parent.mkdir(exist_ok=True)
    path(options).write_text(
        HEADER.format(hardware=options.machine.name, model=options.model) +
        "".join(f"says {line}\n" for line in sorted(baseline.complaints)) +
        "".join(f"{record.result:<5} {record.skips:>3} {record.seconds:>7.1f}  {rest}\n"
                for rest, record in sorted(baseline.records.items())))
