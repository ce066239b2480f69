# SPDX-License-Identifier: GPL-2.0
"""Writes many faults into the engine's headers at once, each behind a number that the kernel is
told when it boots: one build serves them all."""

import re
from dataclasses import dataclass, field
from pathlib import Path

HEADERS = ("format", "exchange", "port", "gather", "iter", "commit", "ops")

PRELUDE = """\
#include <linux/moduleparam.h>
unsigned int kpt_mutant __attribute__((weak));
core_param(kpt_mutant, kpt_mutant, uint, 0);
"""

# Statements without which nothing is accounted, flushed, freed or traced: each call is left out once.
CALLS = re.compile(r"""^(?P<indent>\t+)(?P<call>
    kpt_(?:flush_tlb|need_flush\w*|changed\w*|count|finish_change|flush_add|flush_extend|cmo|look_next|
           bbm_publish|reclaim|account|store|fill|fill_from_block|gather_table|gather_begin|
           remove_external|free_external|record_error|read_lock|read_unlock|trace_\w+) |
    port->(?:flush_gather|detach|clear_leaves) |
    (?:port->)?ops->(?:yield|flush|linked|unlinked|free|reclaim|leaves|changed|cmo))\(""", re.X)
# Expressions: a fault is another expression in their place.
EXPRESSIONS = (
    (re.compile(r"kpt_try_exchange\((?P<ptep>[^,()]+), &(?P<old>[^,()]+), (?P<new>\w+)\)"),
     "(kpt_store({ptep}, {new}), true)", "an exchange that does not compare",
     "invariant 1"),
    (re.compile(r"kpt_exchange\((?P<ptep>[^,()]+), (?P<new>[\w>-]+)\)"),
     "({{ kpt_pte_t seen = kpt_read({ptep}); kpt_store({ptep}, {new}); seen; }})",
     "an exchange in two steps", "invariant 1"),
    (re.compile(r"kpt_frozen\((?P<arguments>[^()]+)\)"), "false", "frozen entries are not seen",
     "invariant 1"),
    (re.compile(r"kpt_needs_cmo\((?P<arguments>[^()]+)\)"), "false",
     "memory is not made ready", "invariant 4"),
)


@dataclass
class Mutant:
    """What replaces lines first to last of a header; lines count from 0, last is not replaced."""
    name: str
    breaks: str
    header: str
    first: int
    last: int
    replacement: list
    number: int = 0
    inside: list = field(default_factory=list)


def function_at(lines, number):
    while number >= 0:
        name = re.match(r"(?:[a-z][\w \t*]*[ *])?(\w+)\(", lines[number])
        if name and not lines[number].startswith(("\t", " ", "#")):
            return name[1]
        number -= 1
    return "?"


def statement_end(lines, first):
    last = first
    while not lines[last].endswith(";"):
        last += 1
    return last + 1


def left_out(header, lines):
    for number, line in enumerate(lines):
        found = CALLS.match(line)
        if found and not line.endswith("\\"):
            yield Mutant(f"{header}.h, {function_at(lines, number)}(): without {found['call']}()",
                         "", header, number, statement_end(lines, number), [])


def replaced_expressions(header, lines):
    for number, line in enumerate(lines):
        if not line.startswith("\t") or line.endswith("\\"):
            continue
        for pattern, text, name, breaks in EXPRESSIONS:
            found = pattern.search(line)
            if found:
                yield Mutant(f"{header}.h, {function_at(lines, number)}(): {name}", breaks, header,
                             number, number + 1,
                             [(found.start(), found.end(), text.format(**found.groupdict()))])


def is_whole(text):
    return text.endswith((";", "}")) and all(text.count(a) == text.count(b)
                                             for a, b in ("()", "{}"))


def by_hand(patch, sources):
    """A patch's first line says what it breaks; its hunks replace whole statements."""
    text = patch.read_text()
    header = re.search(r"^\+\+\+ b/(?:include/kvm/pgtable/(\w+)\.h|arch/\S+)$", text, re.M)[1]
    header = header or "source"
    hunk = text.split("\n@@", 1)[1].split("\n")[1:]
    before = [line[1:] for line in hunk if line[:1] in (" ", "-")]
    lines = sources[header]
    places = [n for n in range(len(lines)) if lines[n:n + len(before)] == before]
    if len(places) != 1:
        raise SystemExit(f"error: {patch}: what it replaces is found {len(places)} times")
    hunk = [line for line in hunk if line]
    changes = [n for n, line in enumerate(hunk) if line[0] in "-+"]
    changed = hunk[changes[0]:changes[-1] + 1]
    first = start = places[0] + changes[0]
    last = end = first + sum(line[0] != "+" for line in changed)
    while not re.search(r"[;{}:]$|\*/$|^$", lines[first - 1]):
        first -= 1
    while not is_whole("\n".join(lines[first:last])) or re.match(r"\s*else\b", lines[last]):
        last += 1
    return Mutant(patch.stem, text.split("\n", 1)[0], header, first, last,
                  [*lines[first:start], *(line[1:] for line in changed if line[0] != "-"),
                   *lines[end:last]])


def nest(mutants):
    """Outermost first, each with those inside of it; the same lines are the same place."""
    places = []
    for mutant in sorted(mutants, key=lambda m: (m.first, -m.last)):
        level = places
        while level and level[-1][0].last > mutant.first:
            outer = level[-1][0]
            if (outer.first, outer.last) == (mutant.first, mutant.last):
                level[-1].append(mutant)
                break
            if outer.last < mutant.last:
                raise SystemExit(f"error: {mutant.name} overlaps {outer.name}")
            level = outer.inside
        else:
            level.append([mutant])
    return places


def render_expression(line, place):
    for mutant in sorted(place, key=lambda m: -m.replacement[0][0]):
        start, end, text = mutant.replacement[0]
        line = (f"{line[:start]}(kpt_mutant == {mutant.number} ? {text} : {line[start:end]})"
                f"{line[end:]}")
    return line


def render(lines, first, last, places):
    out = []
    at = first
    for place in places:
        out += lines[at:place[0].first]
        at = place[0].last
        expressions = [m for m in place if m.replacement and isinstance(m.replacement[0], tuple)]
        statements = [m for m in place if m not in expressions]
        inner = [q for m in place for q in m.inside]
        body = render(lines, place[0].first, place[0].last, nest_again(inner))
        if expressions:
            body = [render_expression(body[0], expressions)]
        if statements:
            text = ["{"]
            for mutant in statements:
                text += [f"if (kpt_mutant == {mutant.number}) {{", *mutant.replacement, "} else"]
            body = [*text, "{", *body, "}", "}"]
        out += body
    return out + lines[at:last]


def nest_again(places):
    return sorted(places, key=lambda place: place[0].first)


def collect_patches(top, folder, sources):
    return [by_hand(patch, sources)
            for patch in sorted((top / "dev/data/mutations" / folder).glob("*.patch"))]


def collect(top):
    sources = {name: (top / f"include/kvm/pgtable/{name}.h").read_text().split("\n")
               for name in HEADERS}
    mutants = collect_patches(top, "engine", sources)
    for header, lines in sources.items():
        mutants += left_out(header, lines)
        mutants += replaced_expressions(header, lines)
    for number, mutant in enumerate(mutants, 1):
        mutant.number = number
    return sources, mutants


def write(top, folder):
    """Returns the mutants and the headers to be included before all others."""
    sources, mutants = collect(top)
    folder.mkdir(parents=True, exist_ok=True)
    headers = [folder / "prelude.h"]
    update(headers[0], PRELUDE)
    for name, lines in sources.items():
        places = nest([m for m in mutants if m.header == name])
        headers.append(folder / f"{name}.h")
        update(headers[-1], "\n".join(render(lines, 0, len(lines), places)))
    return mutants, headers


def update(path: Path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
