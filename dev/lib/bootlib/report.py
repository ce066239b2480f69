# SPDX-License-Identifier: GPL-2.0
"""Judges results, prints them as a table and writes them for machines."""

import json
import sys
import time

from . import baseline
from .options import die, program

# How much of its output is shown when a test fails.
LAST_WORDS = 12
# What a test takes, for the progress, if the unmodified kernel's time is not on record.
UNKNOWN_SECONDS = 5
KERNELS = {"debug": "KASAN and lockdep", "races": "KCSAN"}


def check_sanitizer(options, facts):
    """A kernel may have KCSAN and not switch it on."""
    if facts and options.debug == "races" and int(facts.get("watchpoints") or 0) == 0:
        die("this kernel's KCSAN watches nothing")


def judge(options, results):
    """Sets each result's verdict (pass, skip or fail) and the reason for it."""
    known = baseline.read(options)
    for result in results:
        record = known.test(options, result.test)
        result.verdict, result.reason = verdict(options, result, record)
        if result.verdict == "fail" and record and record.result == "fail":
            result.reason += "; the unmodified kernel fails too"


def missing(options, results):
    """What a run of all tests should have made the ported kernel do, and did not."""
    if options.stock or not options.all_tests or not counted(options):
        return []
    return [f"no test made the kernel do what `{name}` counts"
            for name in options.machine.must_happen
            if not any(result.counts.get(name) for result in results)]


def verdict(options, result, record):
    if result.trouble:
        return "fail", result.trouble
    if result.splats:
        return "fail", f"the kernel complained: {result.splats[0]}"
    if result.status not in (0, 4):
        return "fail", f"exit status {result.status}"
    word = "skip" if result.status == 4 else "pass"
    if options.stock:
        return word, ""
    return compare_skips(word, result, record)


def compare_skips(word, result, record):
    if word == "pass" and result.skips <= (record.skips if record else 0):
        return "pass", ""
    if not record:
        return "fail", "skips, and no unmodified kernel is on record to compare: STOCK=1 RECORD=1"
    if word == record.result and result.skips <= record.skips:
        return word, ""
    return "fail", (f"{word}, {result.skips} lines skip; "
                    f"unmodified: {record.result}, {record.skips} lines")


def duration(seconds):
    return f"{seconds:.1f} s"


def columns(rows):
    """Rows of text as aligned lines: the first column to the left, the rest to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for first, *rest in rows:
        yield "  ".join([first.ljust(widths[0]),
                         *(cell.rjust(width) for cell, width in zip(rest, widths[1:]))]).rstrip()


def table(options, results):
    names = options.machine.counts if counted(options) else ()
    rows = [["test", "result", "time", *names]]
    for result in results:
        rows.append([result.test, result.verdict, duration(result.seconds),
                     *(str(result.counts.get(name, "-")) for name in names)])
    return columns(rows)


def counted(options):
    return not options.icount


def instructions(options, result):
    unit = options.machine.nanoseconds_per_instruction
    return {label: time // unit for label, time in result.figures.items()}


def figure_table(options, results):
    rows = [["test: phase", "instructions"]]
    for result in results:
        rows += [[f"{result.test}: {label}", f"{count:,}"]
                 for label, count in instructions(options, result).items()]
    return columns(rows)


def turns(options):
    """How long each turn is, where CPUs take turns."""
    return f", quantum {options.quantum}" if options.quantum else ""


def describe(options, facts):
    return (f"kernel {facts['release']} {'unmodified' if options.stock else 'on kvm_pgtable'}"
            f"{f' with {KERNELS[options.debug]}' if options.debug else ''}, "
            f"{options.model}, CPUs {facts['cpus']}{turns(options)}, "
            f"{options.machine.facts.format(**facts)}"
            f"{', parameters ' + options.append if options.append else ''}")


def show(options, results, facts, splats, work):
    print(describe(options, facts) if facts else f"the machine did not boot{turns(options)}; "
          f"logs: {work}")
    print(*table(options, results), sep="\n")
    if options.icount:
        if options.machine.interpreted:
            print("Bochs' time is an instruction count with and without ICOUNT=1.")
        print(*figure_table(options, results), sep="\n")
    for result in results:
        if result.verdict == "fail":
            print(*(f"    {line}" for line in (result.output + result.splats)[-LAST_WORDS:]), sep="\n")
            print(f"failed: {result.test}{turns(options)}: {result.reason}; "
                  f"log: {log_of(work, results, result)}")
    for line in splats:
        print(f"failed: outside of a test{turns(options)}: {line}; logs: {work}")
    failed = failures(results, splats)
    skipped = sum(result.verdict == "skip" for result in results)
    print(f"{len(results) + len(splats) - failed - skipped} passed, {failed} failed"
          f"{f', {skipped} skipped' if skipped else ''}")


def failures(results, splats):
    return sum(result.verdict == "fail" for result in results) + len(splats)


def log_of(work, results, result):
    return work / f"{results.index(result) + 1:02}-{program(result.test).replace('/', '-')}.log"


def save(options, results, facts, splats, work):
    for result in results:
        log_of(work, results, result).write_text("\n".join(
            [f"$ {result.test}", *result.output, *result.splats,
             f"{result.verdict} {result.reason}".strip(), ""]))
    (work / "results.json").write_text(json.dumps({
        "hardware": options.name, "model": options.model, "stock": options.stock,
        "cpus": options.cpus, "quantum": options.quantum,
        "icount": options.icount, "append": options.append,
        "facts": facts, "splats": splats,
        "tests": [{
            "test": result.test, "result": result.verdict, "reason": result.reason,
            "status": result.status, "seconds": round(result.seconds, 1),
            "skips": result.skips, "counts": result.counts,
            "instructions" if options.icount or options.machine.interpreted else "nanoseconds":
                instructions(options, result) if options.icount or options.machine.interpreted
                else result.figures,
        } for result in results]}, indent=1) + "\n")


class Progress:
    """One updating line on a terminal, plain lines elsewhere."""

    def __init__(self, options):
        self.options = options
        known = baseline.read(options)
        records = {test: known.test(options, test) for test in options.tests}
        self.expected = {test: record.seconds if record else UNKNOWN_SECONDS
                         for test, record in records.items()}
        self.began = time.monotonic()
        self.shown = self.began
        self.last = ""

    def show(self, boot):
        now = time.monotonic()
        what = boot.current.test if boot.current else "booting"
        terminal = sys.stderr.isatty()
        if what == self.last and now - self.shown < (1 if terminal else 30):
            return
        self.last, self.shown = what, now
        line = f"{self.options.name}: {self.percent(boot, now)} {what}, {elapsed(now - self.began)}"
        print(f"\r\033[K{line}" if terminal else line, end="" if terminal else "\n",
              file=sys.stderr, flush=True)

    def percent(self, boot, now):
        pending = {result.test for result in boot.results if result.status is None}
        done = sum(seconds for test, seconds in self.expected.items() if test not in pending)
        if boot.current:
            done += min(now - boot.since, self.expected[boot.current.test])
        return f"{min(99, int(100 * done / sum(self.expected.values())))}%"

    def end(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)


def elapsed(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
