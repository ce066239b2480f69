# SPDX-License-Identifier: GPL-2.0
"""What to boot: the variables that `make run` and `make boot` take, checked once."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from . import hardware

TOP = Path(__file__).resolve().parents[3]
BUILD = TOP / "build"
# How long a turn is, and the longest that Bochs takes.
QUANTUM, QUANTUM_MAX = 8, 32
# What DEBUG may be, and the name of the kernel.
DEBUG = {"0": "", "1": "debug", "races": "races"}


def die(message):
    sys.exit(f"error: {message}")


def flag(name):
    value = os.environ.get(name, "")
    if value not in ("", "0", "1"):
        die(f"{name}={value}: 1 or nothing is expected")
    return value == "1"


def number(name, default):
    value = os.environ.get(name) or str(default)
    if not value.isdigit() or int(value) == 0:
        die(f"{name}={value}: a number above 0 is expected")
    return int(value)


def test_list(text):
    tests = [" ".join(part.split()) for part in re.split(r"[;\n]", text)]
    return [test for test in tests if test]


def program(test):
    """The selftest that a test runs; parameters of KVM may stand before it."""
    return next((word for word in test.split() if "=" not in word),
                None) or die(f"TESTS: `{test}` names no test")


def default_tests(machine, stock, pages, cpus):
    tests = machine.smp_tests if cpus > 1 and machine.smp_tests else machine.tests
    if not stock:
        tests += machine.ported_tests
    return tests.format(huge=hardware.HUGE[pages], idle=hardware.IDLE[pages])


@dataclass
class Options:
    machine: hardware.Hardware
    model: str
    pages: str
    stock: bool
    # "debug", "races" or nothing
    debug: str
    cpus: int
    # Instructions that a CPU runs before the next has its turn; 0 where they do not take turns.
    quantum: int
    icount: bool
    tests: list
    # They are all that this hardware is asked to run.
    all_tests: bool
    root: str
    console: bool
    append: str
    record: bool
    limit: int
    hugepages: int
    # The tests' clock is that of guest/counting-clock.c.
    counting_clock: bool
    # A kernel with faults to choose from, see mutantlib/clients.py.
    mutated: bool

    @property
    def name(self):
        """What tells the hardware's results from another's, but for the CPU model."""
        return self.machine.name + ("" if self.pages == "4k" else f"-{self.pages}")

    @property
    def kernel(self):
        flavour = self.machine.architecture
        if flavour == "arm64":
            flavour += f"-{self.pages}"
        return BUILD / (flavour + "-stock" * self.stock + f"-{self.debug}" * bool(self.debug) +
                        "-mutants" * self.mutated)

    @property
    def selftests(self):
        return self.kernel / ("kvm" + "-counting-clock" * self.counting_clock)

    @property
    def results(self):
        return BUILD / "boot" / (self.name + "-stock" * self.stock +
                                   "-mutants" * self.mutated)


def choice(name, default, choices):
    value = os.environ.get(name) or default
    if value not in choices:
        die(f"{name}={value}: one of {', '.join(choices)} is expected")
    return value


def read_options():
    machine = hardware.ALL[choice("HW", "npt", hardware.ALL)]
    pages = choice("PAGES", "4k", hardware.HUGE)
    icount, stock = flag("ICOUNT"), flag("STOCK")
    cpus = number("CPUS", 1 if machine.interpreted or icount else 2)
    in_turns = machine.interpreted and cpus > 1
    options = Options(
        machine=machine,
        model=os.environ.get("CPU") or machine.model,
        pages=pages,
        stock=stock,
        debug=DEBUG[choice("DEBUG", "0", DEBUG)],
        cpus=cpus,
        quantum=number("QUANTUM", QUANTUM) if in_turns else 0,
        icount=icount,
        tests=test_list(os.environ.get("TESTS") or default_tests(machine, stock, pages, cpus)),
        all_tests=not os.environ.get("TESTS"),
        root=os.environ.get("ROOT", ""),
        console=flag("CONSOLE"),
        append=os.environ.get("APPEND", ""),
        record=flag("RECORD"),
        limit=number("TIMEOUT", machine.test_limit),
        hugepages=number("HUGEPAGES", machine.hugepages[pages]),
        counting_clock=flag("COUNTING_CLOCK"),
        mutated=bool(os.environ.get("MUTATED")),
    )
    if icount and cpus != 1:
        die(f"CPUS={cpus}: ICOUNT=1 has one CPU")
    if machine.cpus and cpus > machine.cpus:
        die(f"CPUS={cpus}: HW={machine.name} boots with {machine.cpus} CPUs at most")
    if os.environ.get("QUANTUM") and not in_turns:
        die("QUANTUM: CPUs take turns with HW=ept CPUS=2 only")
    if options.quantum > QUANTUM_MAX:
        die(f"QUANTUM={options.quantum}: Bochs takes 1 to {QUANTUM_MAX}")
    if pages != "4k" and machine.architecture != "arm64":
        die(f"PAGES={pages}: HW={machine.name} has pages of 4k only")
    if options.record and not options.stock:
        die("RECORD=1 records what the unmodified kernel does: it needs STOCK=1")
    if options.root and not Path(options.root).is_dir():
        die(f"ROOT={options.root}: no such directory")
    return options
