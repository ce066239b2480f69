#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""scale.py DIRECTORY: how cost grows with the number of vCPUs, by a simulation that is fed with
the times in results.json there.  Prints tables, draws plots and adds to results.json what it found.

The event loop is our own: SimPy's package has another name, or another interface, in each release
of Debian.
"""

import heapq
import itertools
import json
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import plots

# What no program here can measure.  Nothing is fitted to what others published, which stands below.


@dataclass(frozen=True)
class Assumption:
    """@arch: which it has to do with, or both."""
    value: float
    unit: str
    what: str
    source: str
    arch: str = "x86 arm64"


LATENCY = "github.com/nviennot/core-to-core-latency: "
SHOOTDOWN = "unseel.com/cs/tlb-shootdown"
ASSUMED = {
    "near": Assumption(47, "ns", "a cache line comes from a CPU of the same socket",
                       LATENCY + "Xeon 8275CL and Graviton2 47, Graviton3 46"),
    "far": Assumption(134, "ns", "a cache line comes from a CPU of another socket",
                      LATENCY + "two Xeon 8275CL; taken for arm64, too"),
    "x86_socket": Assumption(52, "CPUs", "a socket has so many",
                             "m2-ultramem-416: 416 CPUs in 8 sockets", "x86"),
    "arm64_socket": Assumption(192, "CPUs", "a socket has so many", "AmpereOne A192", "arm64"),
    "page": Assumption(5556, "ns", "a page comes by userfaultfd, without what the lock protects",
                       "<CAF7b7mr-_U6vU1iOwukdmOoaT0G1ttyxD62cv=vebnQeXL3R0w@mail.gmail.com>: "
                       "one vCPU, 180,000 pages/s"),
    "exit": Assumption(600, "ns", "an exit and the entry after it, with KVM's code for them",
                       "<1584071718-17163-1-git-send-email-wanpengli@tencent.com>: a VMCALL takes "
                       "1,559 cycles of Skylake, at 2.6 GHz; taken for arm64, too"),
    "spread": Assumption(0.5, "", "the part by which these two are longer or shorter, evenly",
                         "nobody: vCPUs whose times are all equal march in step"),
    "ipi": Assumption(1000, "ns", "IPIs are sent, and waited for", SHOOTDOWN, "x86"),
    "ipi_each": Assumption(200, "ns", "for each CPU that is interrupted", SHOOTDOWN, "x86"),
    "tlbi": Assumption(1498, "ns", "a broadcast invalidation of stage 2, however large; they queue",
                       "<20230811045127.3308641-1-rananta@google.com>: unmapping 128G of 4K takes "
                       "64.65 s with one for each page, 14.39 s with few.  That they queue: "
                       "kernel.googlesource.com/pub/scm/linux/kernel/git/andrea/aa 78e8089e340e",
                       "arm64"),
}

PAGES_1G, PAGES_2M = 1 << 18, 1 << 9
# How many calls of KVM_CLEAR_DIRTY_LOG it takes to clear 1G, and what one of them clears.
CLEARS = 16
CLEARED = PAGES_1G // CLEARS
# How often vCPUs fault at least, each and all; after how many faults an unmapping is seen to go
# on as it does.
FAULTS, ALL_FAULTS, ENOUGH = 32, 4096, 10000
VCPUS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 416, 512)
QUICK_VCPUS = (1, 16, 128, 416)
# With how many vCPUs the verdicts are looked at under other assumptions.
LARGE, QUICK_LARGE = 416, 128


# What is measured


@dataclass(frozen=True)
class Costs:
    """In ns, with warm caches and the lock's own instructions where nobody contends."""
    fault: float
    new_table: float
    relax: float
    unmap: float
    restart: float
    clear: float


def measured(figures, program):
    """Takes the costs of an operation, for each entry, from the rows of results.json."""
    rows = {entry["row"]: entry for entry in figures if entry["program"] == program}

    def ns(row):
        if "ns" not in rows.get(row, {}):
            sys.exit(f"error: there is no time of {program}'s row '{row}': "
                     "run make bench without COUNT=1")
        return rows[row]["ns"]["done"]["median"]

    one_table = PAGES_2M - 1
    atomic = ns("xchg of 1G's entries")
    # Only x86's rows take the lock: two atomic instructions.  No row has a write fault that finds
    # its page, nor arm64's clearing, which finds and write-protects a range for each mask.
    lock = 0 if program.startswith("x86") else 2 * atomic
    clear = (ns("write-protect 64 of 64") if program.startswith("x86") else
             ns("write-protect 1G") + ns("lookup") / 64)
    return Costs(fault=lock + (one_table * ns("fault, table there") + ns("fault, new table"))
                 / PAGES_2M,
                 new_table=lock + ns("fault, new table"),
                 relax=ns("lookup") + 3 * atomic,
                 unmap=ns("unmap 1G of 4K"),
                 restart=ns("unmap 4K, one by one") - ns("unmap 1G of 4K"),
                 clear=clear)


@dataclass(frozen=True)
class Design:
    """One kernel: what it costs, and what it does while it holds the lock.

    @exclusive: faults take the lock for write
    @look: how many entries are unmapped between two looks whether the lock is wanted
    @tlbi_table, @tlbi_page: unmapping invalidates for each table, and each page, too
    """
    name: str
    arch: str
    costs: Costs
    exclusive: bool = False
    look: int = 1
    tlbi_table: bool = False
    tlbi_page: bool = False


def designs_of(figures):
    x86, arm64 = (
        Design(f"{arch} unmodified", arch, measured(figures, f"{arch}-unmodified"))
        for arch in ("x86", "arm64"))
    # arm64 looks once for each 1G.
    arm64 = replace(arm64, look=PAGES_1G, tlbi_table=True)
    ported = [
        replace(x86, name="x86 ported", costs=measured(figures, "x86-ported"), look=PAGES_2M),
        replace(arm64, name="arm64 ported", costs=measured(figures, "arm64-ported"),
                tlbi_table=False)]
    exclusive = [replace(design, name=f"{design.arch} exclusive", exclusive=True)
                 for design in (x86, arm64)]
    no_range = replace(arm64, name="arm64 without ranges", tlbi_page=True)
    return {design.name: design for design in (x86, arm64, no_range, *ported, *exclusive)}


# The machine


class Simulation:
    """A process is a generator.  It yields for how many ns it goes on alone, or None if somebody
    is to wake it."""

    def __init__(self, near, far, socket):
        self.near, self.far, self.socket = near, far, socket
        self.now = 0.0
        self.current = None
        self._events = []
        self._order = itertools.count()

    def wake(self, process, after=0.0):
        heapq.heappush(self._events, (self.now + after, next(self._order), process))

    def run(self):
        while self._events:
            self.now, _, self.current = heapq.heappop(self._events)
            wait = next(self.current, None)
            if wait is not None:
                self.wake(self.current, wait)

    def distance(self, cpu, other):
        """How long a cache line is on its way."""
        if cpu == other:
            return 0
        return self.near if cpu // self.socket == other // self.socket else self.far


class Line:
    """A cache line, which CPUs change by atomic instructions, one after the other."""

    def __init__(self, simulation):
        self.simulation = simulation
        self.owner = None
        self.free = 0.0

    def change(self, cpu):
        """How long until this CPU has it."""
        now = self.simulation.now
        self.free = max(self.free, now)
        if self.owner is not None:
            self.free += self.simulation.distance(self.owner, cpu)
        self.owner = cpu
        return self.free - now


class Lock:
    """A fair rwlock.  Who cannot have it queues, and whoever comes later queues behind."""

    def __init__(self, simulation):
        self.simulation = simulation
        self.line = Line(simulation)
        self.readers = 0
        self.writer = False
        self.queue = deque()

    def is_contended(self):
        return bool(self.queue)

    def _admits(self, write):
        return not self.writer and not (write and self.readers)

    def _enter(self, write):
        if write:
            self.writer = True
        else:
            self.readers += 1

    def take(self, cpu, write):
        yield self.line.change(cpu)
        if self.queue or not self._admits(write):
            self.queue.append((self.simulation.current, cpu, write))
            yield None
        else:
            self._enter(write)

    def drop(self, cpu):
        yield self.line.change(cpu)
        if self.writer:
            self.writer = False
        else:
            self.readers -= 1
        self._admit(cpu)

    def _admit(self, cpu):
        """The lock goes along the queue from CPU to CPU."""
        after = 0.0
        while self.queue and self._admits(self.queue[0][2]):
            process, to, write = self.queue.popleft()
            self._enter(write)
            after += self.simulation.distance(cpu, to)
            cpu = to
            self.simulation.wake(process, after)


class Machine(Simulation):
    """A VM whose vCPUs have a CPU each, and one CPU more that works on the VM's memory."""

    def __init__(self, design, assumed, vcpus):
        super().__init__(assumed["near"], assumed["far"], assumed[f"{design.arch}_socket"])
        self.design, self.costs, self.assumed = design, design.costs, assumed
        self.vcpus = vcpus
        self.lock = Lock(self)
        self.stats = Line(self)
        self.tlbi_free = 0.0
        self.random = random.Random(vcpus)
        self.in_guest = set()
        self.over = False
        self.faults = self.unmapped = self.cleared = 0
        self.busy = self.at_lock = self.stall = 0.0

    # What vCPUs do

    def start_vcpus(self, fault, outside, rounds=None):
        """Each begins somewhere in its first round, so that the order is nobody's."""
        for cpu in range(self.vcpus):
            again = iter(lambda: self.over, True) if rounds is None else range(rounds)
            self.wake(self._vcpu(cpu, fault, outside, again), self.random.uniform(0, outside))

    def _vcpu(self, cpu, fault, outside, rounds):
        spread = self.assumed["spread"]
        for _ in rounds:
            began = self.now
            factor = self.random.uniform(1 - spread, 1 + spread)
            self.in_guest.add(cpu)
            yield factor * self.assumed["exit"]
            self.in_guest.remove(cpu)
            yield factor * (outside - self.assumed["exit"])
            yield from self._locked(cpu, fault)
            self.faults += 1
            self.busy += self.now - began

    def _locked(self, cpu, fault):
        began = self.now
        yield from self.lock.take(cpu, self.design.exclusive)
        waited = self.now - began
        yield from fault(cpu)
        began = self.now
        yield from self.lock.drop(cpu)
        self.at_lock += waited + self.now - began
        self.stall = max(self.stall, waited)

    def map_page(self, cpu):
        yield self.costs.fault
        # x86 counts the VM's pages, all in one line.
        if self.design.arch == "x86":
            yield self.stats.change(cpu)

    def relax(self, _cpu):
        yield self.costs.relax

    def split_block(self, _cpu):
        yield self.costs.new_table
        yield self.broadcast(1)

    # What the other CPU does

    def broadcast(self, number):
        now = self.now
        self.tlbi_free = max(self.tlbi_free, now) + number * self.assumed["tlbi"]
        return self.tlbi_free - now

    def flush(self, cpu, entries=0):
        """How long until no vCPU uses what was there before."""
        if self.design.arch == "arm64":
            return self.broadcast(1 + entries * self.design.tlbi_page
                                   + entries // PAGES_2M * self.design.tlbi_table)

        # A request is left for each vCPU; only who runs the guest is interrupted.
        requests = sum(self.distance(cpu, vcpu) for vcpu in range(self.vcpus))
        ipis = len(self.in_guest)
        return requests + bool(ipis) * self.assumed["ipi"] + ipis * self.assumed["ipi_each"]

    def unmap(self, cpu, entries):
        yield from self.lock.take(cpu, True)
        seen = self.faults
        restart = self.costs.restart
        while self.unmapped < entries:
            part = min(self.design.look, entries - self.unmapped)
            yield restart + part * self.costs.unmap
            restart = 0
            self.unmapped += part
            if not self.lock.is_contended() or self.unmapped == entries:
                continue
            if self.faults - seen > ENOUGH:
                break
            yield self.flush(cpu, part)
            yield from self.lock.drop(cpu)
            yield from self.lock.take(cpu, True)
            restart = self.costs.restart
        yield self.flush(cpu, part)
        yield from self.lock.drop(cpu)
        self.over = True

    def clear_dirty(self, cpu, calls):
        for _ in range(calls):
            yield from self.lock.take(cpu, True)
            yield CLEARED * self.costs.clear
            yield from self.lock.drop(cpu)
            yield self.flush(cpu)
            self.cleared += CLEARED
        self.over = True


# Operations


@dataclass
class Outcome:
    """@ns: of a fault, or of the whole operation; @at_lock: which part of the vCPUs' time they
    spend at the lock; @stall: for how long at most a vCPU waited."""
    vcpus: int
    ns: float
    at_lock: float
    stall: float


def outcome(machine, ns):
    return Outcome(machine.vcpus, ns, machine.at_lock / machine.busy if machine.busy else 0.0,
                   machine.stall)


def rounds_of(vcpus):
    return max(FAULTS, ALL_FAULTS // vcpus)


def fault_only(machine, fault, outside):
    machine.start_vcpus(fault, outside, rounds_of(machine.vcpus))
    machine.run()
    return outcome(machine, machine.busy / machine.faults)


def demand_paging(machine):
    return fault_only(machine, machine.map_page, machine.assumed["page"])


def split_on_fault(machine):
    return fault_only(machine, machine.split_block, machine.assumed["exit"])


def beside(machine, fault, outside, work):
    machine.start_vcpus(fault, outside)
    took = []

    def timed():
        # In the middle of what the vCPUs do.
        yield 4 * outside
        began = machine.now
        yield from work
        took.append(machine.now - began)

    machine.wake(timed())
    machine.run()
    return took[0]


def unmap(machine):
    took = beside(machine, machine.map_page, machine.assumed["page"],
                  machine.unmap(machine.vcpus, PAGES_1G))
    return outcome(machine, took * PAGES_1G / machine.unmapped)


def clear_dirty(machine):
    """x86 makes a page writable without the lock: there, others fault for pages."""
    fault, outside = ((machine.map_page, "page") if machine.design.arch == "x86" else
                      (machine.relax, "exit"))
    return outcome(machine, beside(machine, fault, machine.assumed[outside],
                                   machine.clear_dirty(machine.vcpus, CLEARS)))


def show_rate(o):
    return f"{o.vcpus / o.ns * 1e6:,.0f} {100 * o.at_lock:3.0f} %"


def show_ms(o):
    return f"{o.ns / 1e6:,.2f} {o.stall / 1e6:8.3f}"


def show_us(o):
    return f"{o.ns / 1e3:,.1f}"


@dataclass(frozen=True)
class Operation:
    name: str
    title: str
    run: Callable
    show: Callable
    designs: tuple


PAGING = Operation("paging", "vCPUs page in their own memory: thousand pages/s, time at the lock",
                   demand_paging, show_rate,
                   ("x86 exclusive", "x86 unmodified", "x86 ported",
                    "arm64 exclusive", "arm64 unmodified", "arm64 ported"))
UNMAP = Operation("unmap", "1G of 4K is unmapped while vCPUs page in elsewhere: "
                  "ms, longest stall of a vCPU in ms",
                  unmap, show_ms,
                  ("x86 unmodified", "x86 ported",
                   "arm64 without ranges", "arm64 unmodified", "arm64 ported"))
CLEAR = Operation("clear", "the dirty log of 1G is cleared while vCPUs fault: "
                  "ms, longest stall of a vCPU in ms",
                  clear_dirty, show_ms,
                  ("x86 unmodified", "x86 ported", "arm64 unmodified", "arm64 ported"))
SPLIT = Operation("split", "each fault splits a block: µs for a fault",
                  split_on_fault, show_us, ("arm64 unmodified", "arm64 ported"))
OPERATIONS = (PAGING, UNMAP, CLEAR, SPLIT)
# Whose times are compared under other assumptions: how many times longer the first takes.
VERDICTS = ((PAGING, "x86 exclusive", "x86 unmodified"), (PAGING, "x86 unmodified", "x86 ported"),
            (PAGING, "arm64 exclusive", "arm64 unmodified"),
            (PAGING, "arm64 unmodified", "arm64 ported"),
            (UNMAP, "x86 unmodified", "x86 ported"), (UNMAP, "arm64 unmodified", "arm64 ported"),
            (UNMAP, "arm64 without ranges", "arm64 ported"),
            (CLEAR, "x86 unmodified", "x86 ported"), (CLEAR, "arm64 unmodified", "arm64 ported"))


def values(**changed):
    return {name: assumption.value for name, assumption in ASSUMED.items()} | changed


def simulate(operation, design, vcpus, assumed):
    return operation.run(Machine(design, assumed, vcpus))


# What was published


GARDON = "<20190926231824.149014-1-bgardon@google.com>"
MOORTHY = "<20240215235405.368539-1-amoorthy@google.com>"
UPTON = "<20221007232818.459650-1-oliver.upton@linux.dev>"
KOLLER = "<20221112081714.2169495-1-ricarkol@google.com>"
# Thousand pages/s without userfaultfd's queue; s for 2^20 pages of each of 48 vCPUs; ms for 512
# blocks of each vCPU.
MOORTHY_RATE = {1: 340, 2: 477, 4: 809, 8: 1239, 16: 1595, 32: 2299, 64: 3482, 128: 4134, 256: 4012}
UPTON_TIME = {"exclusive": 32.10, "unmodified": 6.23}
KOLLER_TIME = {1: 3.34, 2: 3.51, 4: 3.93, 8: 5.78, 16: 10.06, 32: 21.07, 64: 41.75, 128: 86.09,
               152: 109.72}


@dataclass
class Comparison:
    what: str
    published: float
    simulated: float
    source: str


def compare(designs):
    def run(operation, design, vcpus, **changed):
        return simulate(operation, designs[design], vcpus, values(**changed))

    exclusive, shared = (run(PAGING, f"x86 {name}", 416) for name in ("exclusive", "unmodified"))
    yield Comparison("x86, 416 vCPUs: time at an exclusive lock, %", 98, 100 * exclusive.at_lock,
                     GARDON)
    yield Comparison("x86, 416 vCPUs: time that parallel faults save, %", 89,
                     100 * (1 - shared.ns / exclusive.ns), GARDON)
    for vcpus in (128, 256):
        yield Comparison(f"x86, {vcpus} vCPUs: thousand pages/s, parallel", MOORTHY_RATE[vcpus],
                         vcpus / run(PAGING, "x86 unmodified", vcpus).ns * 1e6, MOORTHY)
    # There pages are in memory: all that a fault needs is an exit.
    for name, seconds in UPTON_TIME.items():
        fault = run(PAGING, f"arm64 {name}", 48, page=ASSUMED["exit"].value)
        kind = "parallel" if name == "unmodified" else name
        yield Comparison(f"arm64, 48 vCPUs: ns from one fault to the next, {kind}",
                         seconds * 1e9 / (48 << 20), fault.ns / 48, UPTON)
    for vcpus in (1, 32, 64, 128, 152):
        yield Comparison(f"arm64, {vcpus} vCPUs: µs to split a block on a fault",
                         KOLLER_TIME[vcpus] * 1e3 / 512,
                         run(SPLIT, "arm64 unmodified", vcpus).ns / 1e3, KOLLER)


# Results


def scaled(designs, factor):
    """As if the machine that was measured were slower."""
    return {name: replace(design, costs=Costs(**{cost: ns * factor for cost, ns in
                                                 asdict(design.costs).items()}))
            for name, design in designs.items()}


def ratios(designs, vcpus, assumed, arch="x86 arm64"):
    """Of those verdicts that have to do with this."""
    def ns(operation, design):
        return simulate(operation, designs[design], vcpus, assumed).ns

    return [ns(operation, slow) / ns(operation, fast) if designs[slow].arch in arch else None
            for operation, slow, fast in VERDICTS]


def sensitivity(designs, vcpus):
    """The verdicts' ratios as assumed, and with each assumption halved and doubled."""
    yield {"assumption": "as assumed", "factor": 1, "ratios": ratios(designs, vcpus, values())}
    for factor in (0.5, 2):
        yield {"assumption": "measured", "factor": factor,
               "ratios": ratios(scaled(designs, factor), vcpus, values())}
    for name, assumption in ASSUMED.items():
        for factor in (0.5, 2):
            assumed = values(**{name: assumption.value * factor})
            yield {"assumption": name, "factor": factor,
                   "ratios": ratios(designs, vcpus, assumed, assumption.arch)}


def show_table(title, rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    print(f"simulated: {title}")
    for first, *rest in rows:
        print("  ".join([first.ljust(widths[0]),
                         *(cell.rjust(width) for cell, width in zip(rest, widths[1:]))]).rstrip())
    print()


def show_outcomes(operation, outcomes):
    show_table(operation.title,
               [["vCPUs", *operation.designs],
                *([str(line[0].vcpus), *map(operation.show, line)]
                  for line in zip(*outcomes.values()))])


def show_comparisons(comparisons):
    show_table("beside what was published of other machines",
               [["", "published", "simulated", "by"],
                *([c.what, f"{c.published:,.0f}", f"{c.simulated:,.0f}", c.source]
                  for c in comparisons)])


def show_sensitivity(vcpus, changes):
    """Leaves out what changes by less than 2 %."""
    base, *others = changes

    def column(change):
        return [f"{change['assumption']} x{change['factor']:g}",
                *(f"{new:,.2f}" if new and abs(new / old - 1) >= 0.02 else ""
                  for new, old in zip(change["ratios"], base["ratios"]))]

    names = ["", *(f"{operation.name}, {slow} to {fast.split()[-1]}"
                   for operation, slow, fast in VERDICTS)]
    assumed = [base["assumption"], *(f"{value:,.2f}" for value in base["ratios"])]
    changed = [line for line in map(column, others) if any(line[1:])]
    show_table(f"how many times longer the first takes with {vcpus} vCPUs, and what changes that "
               "if halved or doubled", list(zip(names, assumed, *changed)))


def show_assumptions():
    print("simulated: what is assumed, and not measured")
    for name, a in ASSUMED.items():
        print(f"{name:12}  {a.value:7,} {a.unit:4}  {a.what}")
    print()


def draw_all(folder, results):
    def draw(operation, title, unit, y, published=None):
        plots.draw_curves(folder / f"scale-{operation.name}.svg", title, unit,
                          {name: [(o.vcpus, y(o)) for o in outcomes]
                           for name, outcomes in results[operation].items()}, published or {})

    draw(PAGING, "vCPUs page in their own memory", "thousand pages/s",
         lambda o: o.vcpus / o.ns * 1e6, {"published, x86": list(MOORTHY_RATE.items())})
    draw(UNMAP, "1G of 4K is unmapped while vCPUs page in elsewhere", "ms", lambda o: o.ns / 1e6)
    draw(SPLIT, "each fault splits a block", "µs for a fault", lambda o: o.ns / 1e3,
         {"published, AmpereOne": [(n, ms * 1e3 / 512) for n, ms in KOLLER_TIME.items()]})


def simulate_all(folder, figures, quick):
    """Prints and draws everything, and returns it as JSON has it."""
    began = time.monotonic()
    designs = designs_of(figures)
    sizes, large = (QUICK_VCPUS, QUICK_LARGE) if quick else (VCPUS, LARGE)
    results = {operation: {name: [simulate(operation, designs[name], vcpus, values())
                                  for vcpus in sizes] for name in operation.designs}
               for operation in OPERATIONS}
    comparisons = list(compare(designs))
    changes = list(sensitivity(designs, large))

    for operation, outcomes in results.items():
        show_outcomes(operation, outcomes)
    show_comparisons(comparisons)
    show_assumptions()
    show_sensitivity(large, changes)
    print(f"simulated in {time.monotonic() - began:.0f} s\n")
    draw_all(folder, results)
    return {"costs": {name: asdict(design) for name, design in designs.items()},
            "assumed": {name: asdict(assumption) for name, assumption in ASSUMED.items()},
            "operations": [{"title": operation.title,
                            "outcomes": {name: list(map(asdict, line))
                                         for name, line in outcomes.items()}}
                           for operation, outcomes in results.items()],
            "published": list(map(asdict, comparisons)),
            "sensitivity": {"vcpus": large, "verdicts": [[operation.name, slow, fast]
                                                         for operation, slow, fast in VERDICTS],
                            "changes": changes}}


def main(directory):
    folder = Path(directory)
    path = folder / "results.json"
    results = json.loads(path.read_text())
    quick = os.environ.get("QUICK", "") not in ("", "0")
    results["scale"] = simulate_all(folder, results["figures"], quick)
    path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
