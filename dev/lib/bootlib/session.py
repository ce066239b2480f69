# SPDX-License-Identifier: GPL-2.0
"""Boots as often as it takes to run every test once, and collects what they did."""

import re
import sys
import time
from dataclasses import dataclass, field

from .machine import EMULATORS

# What the kernel prints when it has found a mistake of its own.
SPLAT = re.compile(r"WARNING:|BUG:|BUG at|Oops|Kernel panic|general protection|"
                   r"INFO: |reserved bits set|detected stall|Unable to handle|unable to handle")
FIGURE = re.compile(r"^(?P<label>.*?\S)[\s:]+(?P<seconds>\d+)\.(?P<nanoseconds>\d{9})s")


# A total that counts skips, in ksft's words, and the number.
SKIP_TOTAL = re.compile(r"\bskip(?:ped)?:(\d+)", re.IGNORECASE)


def tells_of_a_skip(line):
    """A total of no skips is none."""
    total = SKIP_TOTAL.search(line)
    return int(total[1]) > 0 if total else "skip" in line.lower()


@dataclass
class Result:
    test: str
    status: int = None
    trouble: str = ""
    seconds: float = 0
    output: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)
    splats: list = field(default_factory=list)

    @property
    def failed(self):
        return self.status not in (None, 0, 4) or bool(self.splats)

    @property
    def skips(self):
        return sum(tells_of_a_skip(line) for line in self.output)

    @property
    def figures(self):
        """Durations that the test printed, in nanoseconds, by the words before them."""
        found = {}
        for line in self.output:
            match = FIGURE.match(line)
            if match:
                label = re.sub(r"\s+", " ", match["label"].rstrip(" :"))
                label = re.sub(r" time$| took$|: total execution time$", "", label)
                while label in found:
                    label += "'"
                found[label] = int(match["seconds"]) * 10**9 + int(match["nanoseconds"])
        return found


class Lines:
    """The complete lines that a growing file has gained since it was last asked."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.rest = b""

    def __iter__(self):
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r").decode(errors="replace")


class Boot:
    """One boot of the machine: reads both serial ports and fills in the results."""

    def __init__(self, options, results, work, progress):
        self.options = options
        self.results = results
        self.progress = progress
        self.facts = {}
        self.current = None
        self.in_console = None
        self.over = False
        self.splats = []
        self.totals = {}
        self.since = time.monotonic()
        self.machine = EMULATORS[options.machine.name](options, [r.test for r in results], work)

    def run(self, serial=None):
        output, console = Lines(self.machine.output), Lines(self.machine.console)
        self.machine.start(serial)
        try:
            while not self.over:
                alive = self.machine.running()
                self.watch(console)
                for line in output:
                    self.take(line)
                self.progress.show(self)
                # Of a fault, one complaint is enough, and its test may never end.
                self.over = self.over or self.options.mutated and self.complained()
                if not self.over and (trouble := self.trouble(alive)):
                    return self.end_badly(trouble)
                time.sleep(0.1)
            self.watch(console)
        finally:
            self.machine.stop()

    def watch(self, console):
        for line in console:
            marker = re.search(r"@@ (begin|end) (\d+)", line)
            if marker:
                self.in_console = self.results[int(marker[2])] if marker[1] == "begin" else None
            elif "@@ " not in line and SPLAT.search(line):
                (self.in_console or self).splats.append(line.strip())

    def complained(self):
        return bool(self.splats) or any(result.splats for result in self.results)

    def trouble(self, alive):
        limit = self.options.limit if self.current else self.options.machine.boot_limit
        if not alive:
            return "the machine died"
        if any("Kernel panic" in line for line in (self.in_console or self).splats):
            return "the kernel panicked"
        if not self.options.console and time.monotonic() - self.since > limit:
            return f"hung: not done after {limit} s"
        return None

    def end_badly(self, trouble):
        """Blames the running test, or all that are left where none can run."""
        if self.current:
            self.current.trouble = trouble
            self.current.seconds = time.monotonic() - self.since
            return
        for result in self.results:
            if not done(result):
                result.trouble = f"{trouble} outside of a test"

    def take(self, line):
        if not line.startswith("@@ "):
            if self.current:
                self.current.output.append(line)
            return
        word, *rest = line[3:].split(None, 2)
        getattr(self, f"take_{word}")(*rest)

    def take_fact(self, name, *value):
        self.facts[name] = " ".join(value)

    def take_error(self, *words):
        sys.exit(f"error: the emulated host says: {' '.join(words)}")

    def take_begin(self, index, _test):
        self.current = self.results[int(index)]
        self.since = time.monotonic()

    def take_count(self, name, total):
        self.current.counts[name] = int(total) - self.totals.get(name, 0)
        self.totals[name] = int(total)

    def take_end(self, _index, status):
        self.current.status = int(status)
        self.current.seconds = time.monotonic() - self.since
        # Of a fault, one test that notices is enough.
        self.over = self.options.mutated and self.current.failed
        self.current = None
        self.since = time.monotonic()

    def take_over(self):
        self.over = True


def done(result):
    return result.status is not None or result.trouble


def run_all(options, work, progress):
    """Runs every test; after a test that took the machine down, the rest run in a new boot."""
    results = [Result(test) for test in options.tests]
    splats = []
    while pending := [result for result in results if not done(result)]:
        boot = Boot(options, pending, work, progress)
        boot.run()
        splats += boot.splats
        keep_logs(work, len(results) - len(pending))
        if options.mutated and boot.over:
            break
    return results, boot.facts, splats


def keep_logs(work, first):
    """The logs of this boot, under the number of its first test."""
    for name in ("console", "output"):
        (work / f"{name}.log").replace(work / f"{name}-{first + 1}.log")
