# SPDX-License-Identifier: GPL-2.0
"""What to boot: the variables that `make run` and `make boot` take, checked once."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"

MODELS = {"npt": "EPYC-Rome", "ept": "corei7_haswell_4770"}

# Together under four minutes on NPT with two CPUs.
TESTS_NPT = """
demand_paging_test -v 2 -b 64M
demand_paging_test -v 2 -b 16M -u MISSING
demand_paging_test -v 2 -b 16M -u MINOR -s shmem
dirty_log_perf_test -v 2 -b 64M
dirty_log_perf_test -v 2 -b 64M -e
dirty_log_perf_test -v 2 -b 64M -s anonymous_hugetlb_2mb
dirty_log_perf_test -v 2 -b 64M -e -g -s anonymous_hugetlb_2mb
kvm_page_table_test -v 2 -b 128M -s anonymous_hugetlb_2mb
kvm_page_table_test -v 2 -b 64M
dirty_log_test -i 8
access_tracking_perf_test -v 2 -b 16M
pre_fault_memory_test
set_memory_region_test
"""

# Bochs interprets every instruction: the same ground, small.
TESTS_EPT = """
demand_paging_test -v 1 -b 16M
demand_paging_test -v 1 -b 2M -u MINOR -s shmem
dirty_log_perf_test -v 1 -b 16M -i 2
dirty_log_perf_test -v 1 -b 32M -i 2 -s anonymous_hugetlb_2mb
dirty_log_perf_test -v 1 -b 32M -i 2 -e -g -s anonymous_hugetlb_2mb
kvm_page_table_test -v 1 -b 16M
kvm_page_table_test -v 1 -b 32M -s anonymous_hugetlb_2mb
access_tracking_perf_test -v 1 -b 4M
pre_fault_memory_test
dirty_log_test -i 3
"""

# Ours, for what the unmodified kernel does not have.
TESTS_PORTED = {"npt": "x86/page_tables_dump_test", "ept": "x86/page_tables_dump_test"}


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


def default_tests(hardware, stock):
    tests = {"npt": TESTS_NPT, "ept": TESTS_EPT}[hardware]
    return tests if stock else tests + TESTS_PORTED[hardware]


@dataclass
class Options:
    hardware: str
    model: str
    stock: bool
    debug: bool
    cpus: int
    icount: bool
    tests: list
    root: str
    console: bool
    append: str
    record: bool
    limit: int
    hugepages: int
    thread_clock: bool

    @property
    def kernel(self):
        return BUILD / ("x86" + "-stock" * self.stock + "-debug" * self.debug)

    @property
    def selftests(self):
        return self.kernel / ("kvm" + "-thread-clock" * self.thread_clock)

    @property
    def results(self):
        return BUILD / "boot" / (self.hardware + "-stock" * self.stock)


def read_options():
    hardware = os.environ.get("HW") or "npt"
    if hardware not in MODELS:
        die(f"HW={hardware}: npt (QEMU) or ept (Bochs) is expected")
    icount, stock = flag("ICOUNT"), flag("STOCK")
    one_cpu = hardware == "ept" or icount
    options = Options(
        hardware=hardware,
        model=os.environ.get("CPU") or MODELS[hardware],
        stock=stock,
        debug=flag("DEBUG"),
        cpus=number("CPUS", 1 if one_cpu else 2),
        icount=icount,
        tests=test_list(os.environ.get("TESTS") or default_tests(hardware, stock)),
        root=os.environ.get("ROOT", ""),
        console=flag("CONSOLE"),
        append=os.environ.get("APPEND", ""),
        record=flag("RECORD"),
        limit=number("TIMEOUT", 1200 if hardware == "ept" else 600),
        hugepages=number("HUGEPAGES", 64 if hardware == "ept" else 512),
        thread_clock=flag("THREAD_CLOCK"),
    )
    if one_cpu and options.cpus != 1:
        die(f"CPUS={options.cpus}: {'Bochs' if hardware == 'ept' else 'ICOUNT=1'} has one CPU")
    if options.record and not options.stock:
        die("RECORD=1 records what the unmodified kernel does: it needs STOCK=1")
    if options.root and not Path(options.root).is_dir():
        die(f"ROOT={options.root}: no such directory")
    return options
