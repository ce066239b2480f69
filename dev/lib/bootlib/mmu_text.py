# SPDX-License-Identifier: GPL-2.0
"""Where in a kernel the instructions of KVM's MMU are."""

import subprocess
from collections import Counter

OBJECTS = {
    "x86": ("arch/x86/kvm/mmu/*.o", "virt/kvm/pgtable/*.o"),
    "arm64": ("arch/arm64/kvm/mmu.o", "arch/arm64/kvm/hyp/pgtable.o", "virt/kvm/pgtable/*.o"),
    "riscv": ("arch/riscv/kvm/mmu.o", "arch/riscv/kvm/gstage.o", "virt/kvm/pgtable/*.o"),
}


def functions(file):
    """(name, first address, address behind it) of each function in an object or a kernel."""
    listing = subprocess.run(["nm", "--print-size", "--defined-only", file],
                             check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in "tTwW":
            start, size = int(fields[0], 16), int(fields[1], 16)
            yield fields[3], start, start + size


def ranges(kernel, architecture):
    """Address ranges of the MMU's functions. A name that the kernel has twice is not counted."""
    everything = list(functions(kernel / "vmlinux"))
    times = Counter(name for name, _, _ in everything)
    ours = {name for pattern in OBJECTS[architecture] for file in kernel.glob(pattern)
            for name, _, _ in functions(file)}
    return sorted((start, end) for name, start, end in everything
                  if name in ours and times[name] == 1)
