# SPDX-License-Identifier: GPL-2.0
"""Faults in the clients: built together like the engine's, told apart by guests on emulated hardware."""

import os
import re
import shutil
import time
from dataclasses import dataclass

from bootlib import report, session
from bootlib.options import BUILD, TOP, read_options
from mutantlib import schemata
from mutantlib.verdict import Verdict

# Behind the last of the headers; the hypervisor's own copy, which has no parameters, is sound.
PRELUDE = """
#ifdef __KVM_NVHE_HYPERVISOR__
#define kpt_mutant 0
#else
#include <linux/moduleparam.h>
static unsigned int kpt_mutant;
core_param(kpt_mutant, kpt_mutant, uint, 0);
#endif"""


@dataclass
class Client:
    name: str
    hardware: str
    source: str
    tests: str
    model: str = ""

    @property
    def mutated(self):
        return BUILD / "mutants" / self.name / os.path.basename(self.source)


CLIENTS = (
    Client("x86", "npt", "arch/x86/kvm/mmu/tdp_mmu.c",
           "x86/page_tables_dump_test; x86/unreachable_gpa_test;"
           "x86/dirty_log_page_splitting_test -b 16M -s anonymous_hugetlb_2mb;"
           "nx_huge_pages=force nx_huge_pages_recovery_ratio=1 nx_huge_pages_recovery_period_ms=100 "
           "x86/nx_huge_pages_test -r -p 100 -t 887563923; dirty_log_test -i 3",
           # MAXPHYADDR is more than a root of four levels resolves, and leaves a bit to reserve.
           model="EPYC-Rome,phys-bits=50"),
    Client("arm64", "vhe", "arch/arm64/kvm/hyp/pgtable.c",
           "arm64/tlb_invalidation_test; arm64/eager_split_test; huge_page_recovery_test;"
           "lockless_ageing_test; dirty_log_test -i 2"),
    Client("riscv", "riscv", "arch/riscv/kvm/gstage.c",
           "huge_page_recovery_test; riscv/eager_split_test; riscv/table_leak_test;"
           "riscv/shared_page_test; riscv/partial_unmap_test; riscv/huge_page_ageing_test; riscv/fence_scope_test;"
           "eager_page_split=0 riscv/huge_page_logging_test;"
           "dirty_log_test -i 2; dirty_log_perf_test -v 2 -b 16M -i 2 -s anonymous_hugetlb_2mb"),
)


class Run(Verdict):
    """What the tests say of one fault, in the shape of a run of KUnit."""

    def __init__(self, results, splats, seconds):
        self.seconds = seconds
        self.complete = all(result.status is not None for result in results)
        self.test = self.message = None
        for result in results:
            if result.failed:
                self.test = result.test.split()[0]
                self.message = assertion(result.output) or (result.splats or result.output)[-1]
                return
        if splats:
            self.test, self.message = "the kernel", splats[0]


def assertion(output):
    for line, after in zip(output, output[1:]):
        if "Test Assertion Failure" in line:
            return re.sub(r"\s+", " ", after).strip()
    return None


def write(client):
    lines = (TOP / client.source).read_text().split("\n")
    mutants = schemata.collect_patches(TOP, client.name, {"source": lines})
    for number, mutant in enumerate(mutants, 1):
        mutant.number = number
        mutant.name = f"{client.name}/{mutant.name}"
    client.mutated.parent.mkdir(parents=True, exist_ok=True)
    start = max(n for n, line in enumerate(lines) if line.startswith("#include")) + 1
    body = schemata.render(lines, start, len(lines), schemata.nest(mutants))
    schemata.update(client.mutated, "\n".join([*lines[:start], PRELUDE, *body]))
    return mutants


def options_for(client, number):
    os.environ.update(HW=client.hardware, CPU=client.model, TESTS=client.tests,
                      APPEND=f"kpt_mutant={number}", MUTATED=str(client.mutated))
    return read_options()


def run(options):
    began = time.monotonic()
    shutil.rmtree(options.results, ignore_errors=True)
    options.results.mkdir(parents=True)
    progress = report.Progress(options)
    results, _, splats = session.run_all(options, options.results, progress)
    progress.end()
    return Run(results, splats, time.monotonic() - began)
