#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""measure.py DIRECTORY: runs the programs there, which dev/bench has built, prints how ours
compares with theirs and writes all figures to results.json."""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import counts
import plots
import scale
import targets

PROGRAMS = ("engine", "generic_pt", "x86-unmodified", "x86-ported",
            "arm64-unmodified", "arm64-ported", "riscv-unmodified", "riscv-ported")
# How often each program is run, in turns, so that what disturbs them disturbs all, and for how
# many seconds a row is measured each time.
ROUNDS, SECONDS = 8, 0.1
QUICK_ROUNDS, QUICK_SECONDS = 2, 0.03


@dataclass
class Figures:
    """One row of one candidate: times in ns and counts, by targets.DONE and targets.RETURNED."""
    per: int
    times: dict = field(default_factory=lambda: {targets.RETURNED: [], targets.DONE: []})
    instructions: dict = field(default_factory=dict)
    locked: dict = field(default_factory=dict)

    def ns(self, figure):
        """Lower quartile, median and upper quartile of a row's times, for one entry."""
        return [part / self.per for part in statistics.quantiles(self.times[figure], n=4)]

    def counted(self, figure):
        return self.instructions[figure] / self.per

    def counted_locked(self, figure):
        return self.locked[figure] / self.per


class Results(dict):
    """Figures by program, candidate and row."""

    def of(self, program, line):
        candidate, row, per, *_ = line.split("\t")
        return self.setdefault((program, candidate, row), Figures(int(per)))

    def rows(self, program, candidate):
        return [row for *whose, row in self if whose == [program, candidate]]


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr)


def count(folder, results):
    for program in PROGRAMS:
        progress(f"bench: count instructions, {program}")
        for line, returned, done in counts.count(folder / program):
            figures = results.of(program, line)
            for name, (total, locked) in ((targets.RETURNED, returned), (targets.DONE, done)):
                figures.instructions[name] = total
                figures.locked[name] = locked


def take_times(folder, results, rounds, seconds):
    for number in range(1, rounds + 1):
        for program in PROGRAMS:
            progress(f"bench: take times, round {number} of {rounds}, {program}")
            output = subprocess.run([folder / program, "ns", str(seconds)], check=True,
                                    stdout=subprocess.PIPE, text=True).stdout
            for line in output.splitlines():
                figures = results.of(program, line)
                for pair in line.split("\t")[3].split():
                    returned, done = map(float, pair.split("/"))
                    figures.times[targets.RETURNED].append(returned)
                    figures.times[targets.DONE].append(done)


def spread(figures, figure):
    """How far apart the quartiles of a row's times are, as a part of the median."""
    low, median, high = figures.ns(figure)
    return (high - low) / median


def compare(results, comparison, timed):
    """One dictionary for each row and figure that both candidates have."""
    for row in results.rows(*comparison.ours):
        ours, theirs = (results.get((*whose, row)) for whose in (comparison.ours, comparison.theirs))
        if not theirs:
            continue
        both = {"theirs": theirs, "ours": ours}
        for figure in comparison.figures(row):
            entry = {"row": row, "until": figure,
                     "target": comparison.targets.get((row, figure)),
                     "instructions": {who: f.counted(figure) for who, f in both.items()},
                     "locked": {who: f.counted_locked(figure) for who, f in both.items()}}
            if timed:
                entry["ns"] = {who: f.ns(figure)[1] for who, f in both.items()}
                entry["spread"] = max(spread(f, figure) for f in both.values())
            entry["met"] = is_met(entry[judged_by(timed)], entry["target"])
            if (row, figure) in targets.UNLOCKED and entry["met"]:
                entry["met"] = ours.counted_locked(figure) < targets.LOCKED
            yield entry


def symbol_size(program, symbol):
    """None if the program has no such symbol."""
    output = subprocess.run(["nm", "--print-size", program], check=True, stdout=subprocess.PIPE,
                            text=True).stdout
    return next((int(size, 16) for _, size, _, name in
                 filter(lambda fields: len(fields) == 4, map(str.split, output.splitlines()))
                 if name == symbol), None)


def compare_sizes(folder, comparison):
    """Of what is kept for each page of tables beside it."""
    metadata = [symbol_size(folder / program, "bench_metadata")
                for program, _ in (comparison.theirs, comparison.ours)]
    if None not in metadata:
        pair = dict(zip(("theirs", "ours"), metadata))
        yield {"what": "metadata of a table", "bytes": pair, "target": targets.METADATA,
               "met": is_met(pair, targets.METADATA)}


def show_size(size):
    theirs, ours = size["bytes"]["theirs"], size["bytes"]["ours"]
    print(f"{size['what']}: {theirs:,} bytes theirs, {ours:,} ours, ratio {ours / theirs:.2f}, "
          f"target {size['target']} {'met' if size['met'] else 'missed'}")


def judged_by(timed):
    return "ns" if timed else "instructions"


def is_met(pair, target):
    return None if target is None else pair["ours"] / pair["theirs"] <= target


def row_cells(entry, timed):
    cells = [entry["row"] + (", lock held" if entry["until"] == targets.RETURNED else "")]
    for kind in (["ns"] if timed else []) + ["instructions"]:
        pair = entry[kind]
        cells += [f"{pair['theirs']:.2f}", f"{pair['ours']:.2f}",
                  f"{pair['ours'] / pair['theirs']:.2f}"]
        if kind == "ns":
            cells.append(f"{100 * entry['spread']:.0f} %")
    cells += [f"{entry['locked'][who]:.2f}" for who in ("theirs", "ours")]
    unlocked = (entry["row"], entry["until"]) in targets.UNLOCKED
    target = "" if entry["target"] is None else f"{entry['target']}{', unlocked' * unlocked}"
    return [*cells, target, {None: "", True: "met", False: "missed"}[entry["met"]]]


def show(title, entries, timed):
    heading = ["for each entry"]
    if timed:
        heading += ["ns theirs", "ours", "ratio", "spread"]
    heading += ["insns theirs", "ours", "ratio", "locked theirs", "ours", "target", ""]
    table = [heading, *(row_cells(entry, timed) for entry in entries)]
    widths = [max(map(len, column)) for column in zip(*table)]
    print(title)
    for first, *rest in table:
        print("  ".join([first.ljust(widths[0]),
                         *(cell.rjust(width) for cell, width in zip(rest, widths[1:]))]).rstrip())


def as_markdown(compared, timed):
    """Tables for dev/RESULTS.md."""
    kind = judged_by(timed)
    for part in compared:
        yield f"\n| {part['title']}, {kind} | theirs | ours | ratio | target | locked, theirs → ours |"
        yield "|---|---:|---:|---:|---:|---:|"
        for entry in part["rows"]:
            pair, locked = entry[kind], entry["locked"]
            yield (f"| {row_cells(entry, timed)[0]} | {pair['theirs']:,.0f} | {pair['ours']:,.0f} | "
                   f"{pair['ours'] / pair['theirs']:.2f} | {entry['target'] or ''} | "
                   f"{locked['theirs']:.2f} → {locked['ours']:.2f} |")


def as_json(results, timed):
    for (program, candidate, row), figures in results.items():
        entry = {"program": program, "candidate": candidate, "row": row, "per": figures.per,
                 "instructions": {name: figures.counted(name) for name in figures.instructions},
                 "locked": {name: figures.counted_locked(name) for name in figures.locked}}
        if timed:
            entry["ns"] = {name: dict(zip(("low", "median", "high"), figures.ns(name)))
                           for name in figures.times}
        yield entry


def compare_all(folder, results, comparison, timed):
    """Prints and draws a comparison and returns it as JSON has it."""
    entries = list(compare(results, comparison, timed))
    show(comparison.title, entries, timed)
    sizes = list(compare_sizes(folder, comparison))
    for size in sizes:
        show_size(size)
    print()
    name = comparison.ours[1].replace("/", "-").replace(" ", "-")
    plots.draw(folder / f"{name}.svg", comparison.title, entries, judged_by(timed))
    return {"title": comparison.title, "ours": comparison.ours, "theirs": comparison.theirs,
            "rows": entries, "sizes": sizes}


def measure(folder, timed, quick):
    results = Results()
    try:
        count(folder, results)
        if timed and quick:
            take_times(folder, results, QUICK_ROUNDS, QUICK_SECONDS)
        elif timed:
            take_times(folder, results, ROUNDS, SECONDS)
    except subprocess.CalledProcessError as failure:
        sys.exit(f"error: {' '.join(map(str, failure.cmd))} ends with status {failure.returncode}")
    finally:
        progress("")
    return results


def main(directory):
    folder = Path(directory)
    timed = os.environ.get("COUNT", "") in ("", "0")
    quick = os.environ.get("QUICK", "") not in ("", "0")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    began = time.monotonic()
    results = measure(folder, timed, quick)

    compared = [compare_all(folder, results, comparison, timed)
                for comparison in targets.COMPARISONS]
    report = {"figures": list(as_json(results, timed)), "comparisons": compared}
    if timed:
        report["scale"] = scale.simulate_all(folder, report["figures"], quick)
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "results.markdown").write_text("\n".join(as_markdown(compared, timed)) + "\n")
    verdicts = [entry["met"] for part in compared for entry in part["rows"] + part["sizes"]]
    print(f"{verdicts.count(True)} targets met, {verdicts.count(False)} missed, "
          f"by {'time' if timed else 'instructions'}, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
