# SPDX-License-Identifier: GPL-2.0
"""Whose are the data races that KCSAN reports?  KVM has some of its own, in code that the port does
not touch; a race is ours where one of the two functions is in an object of the port's sources."""

import re
import subprocess
from collections import Counter

RACE = re.compile(r"KCSAN: data-race in (\S+?)(?:\+0x\S+)? / (\S+?)(?:\+0x\S+)?$")
OBJECTS = ("arch/x86/kvm/mmu/tdp_mmu.o", "arch/arm64/kvm/hyp/pgtable.o", "arch/arm64/kvm/recover.o",
           "virt/kvm/pgtable/dump.o", "virt/kvm/pgtable/trace.o")


def our_functions(kernel):
    objects = [kernel / name for name in OBJECTS if (kernel / name).exists()]
    listing = subprocess.run(["nm", "--defined-only", *objects], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    return {match[1] for match in re.finditer(r" [tT] ([\w]+)", listing)}


def set_aside(options, results, splats):
    """Takes the races of the kernel's own out of what a ported kernel is judged by; counts them."""
    if options.stock or options.debug != "races":
        return Counter()
    ours, others = our_functions(options.kernel), Counter()

    def is_ours(splat):
        race = RACE.search(splat)
        if not race or {name.split(".")[0] for name in race.groups()} & ours:
            return True
        others[" / ".join(race.groups())] += 1
        return False

    for lines in [splats, *(result.splats for result in results)]:
        lines[:] = filter(is_ours, lines)
    return others
