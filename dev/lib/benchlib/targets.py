# SPDX-License-Identifier: GPL-2.0
"""Who is compared with whom, and which ratio, ours to theirs, is to be reached: in instructions with
COUNT=1, else in time."""

from dataclasses import dataclass, field

# A row's figure includes what the operation left for later, but where that is compared apart.
DONE, RETURNED = "done", "returned"
METADATA = 0.5
LIMITS = ("memset64 of 1G's entries", "xchg of 1G's entries", "read of 1G's entries")


@dataclass
class Comparison:
    """Candidates by program and name, and targets by row and figure."""
    title: str
    ours: tuple
    theirs: tuple
    targets: dict = field(default_factory=dict)

    def figures(self, row):
        wanted = [figure for name, figure in self.targets if name == row]
        return wanted or [DONE]


GENERIC_PT = {
    ("map 4K, one by one", DONE): 1.2,
    ("fault, table there", DONE): 1.2,
    ("map 256x4K", DONE): 0.8,
    ("map 256x2M", DONE): 0.8,
    ("unmap 256x4K", DONE): 0.8,
    ("unmap 256x2M", DONE): 0.8,
}

X86 = {
    ("fault, table there", DONE): 0.8,
    ("fault, new table", DONE): 0.8,
    ("unmap 4K, one by one", DONE): 0.8,
    ("unmap 256x4K", DONE): 0.15,
    ("unmap 256x2M", DONE): 0.2,
    ("write-protect 1G", DONE): 0.2,
    ("write-protect 1G, sparse", DONE): 0.25,
    ("clear dirty 1G", DONE): 0.2,
    ("write-protect 4 of 64", DONE): 0.2,
    ("write-protect 64 of 64", DONE): 0.6,
    ("clear dirty 4 of 64", DONE): 0.2,
    ("clear dirty 64 of 64", DONE): 0.6,
    ("age 4K, one by one", DONE): 0.75,
    ("age 1G", DONE): 0.6,
    ("split 1G", DONE): 0.2,
    ("collapse 1G", DONE): 0.2,
    ("tear down 1G, shared", RETURNED): 0.1,
    ("tear down 1G, shared", DONE): 0.5,
    ("zap 1G, shared", DONE): 0.05,
}

ARM64 = {
    ("fault, table there", DONE): 0.7,
    ("fault, new table", DONE): 0.7,
    ("map 256x4K", DONE): 0.5,
    ("map 256x2M", DONE): 0.5,
    ("unmap 4K, one by one", DONE): 0.8,
    ("unmap 256x4K", DONE): 0.25,
    ("unmap 1G of 4K", DONE): 0.35,
    ("write-protect 1G", DONE): 0.4,
    ("write-protect 1G, sparse", DONE): 0.3,
    ("age 4K, one by one", DONE): 0.6,
    ("age 1G", DONE): 0.7,
    ("split 1G", DONE): 0.2,
    ("collapse 1G", DONE): 0.2,
    ("destroy 1G", DONE): 0.2,
}

# The unmodified kernel faults under the lock held for write, accounts and frees no table, and has no barrier
# before it reads the VMID. Three rows cost more here; their targets are limits.
RISCV = {
    ("fault, table there", DONE): 1.3,
    ("fault, new table", DONE): 1.7,
    ("unmap 4K, one by one", DONE): 1.3,
    ("age 1G", DONE): 0.7,
    ("unmap 256x4K", DONE): 0.7,
    ("unmap 256x2M", DONE): 0.7,
    ("unmap 1G of 4K", DONE): 0.7,
    ("write-protect 1G", DONE): 0.7,
    ("write-protect 1G, sparse", DONE): 0.7,
    ("write-protect 4 of 64", DONE): 0.7,
    ("write-protect 64 of 64", DONE): 0.7,
    ("split 1G", DONE): 1.02,
    ("destroy 1G", DONE): 0.7,
}

# Locked instructions for each entry that make a target missed; those for a table count for less.
LOCKED = 0.01
UNLOCKED = {("tear down 1G, shared", RETURNED)}

COMPARISONS = (
    Comparison("engine with x86's NPT against generic_pt x86_64",
               ("engine", "kvm_pgtable npt"), ("generic_pt", "generic_pt x86_64"), GENERIC_PT),
    Comparison("engine with RISC-V's G-stage against generic_pt riscv64",
               ("engine", "kvm_pgtable gstage"), ("generic_pt", "generic_pt riscv64"), GENERIC_PT),
    Comparison("KVM/x86 with EPT, ported against unmodified",
               ("x86-ported", "KVM/x86 ept"), ("x86-unmodified", "KVM/x86 ept"),
               X86),
    Comparison("KVM/arm64 stage 2, ported against unmodified",
               ("arm64-ported", "KVM/arm64 stage2"), ("arm64-unmodified", "KVM/arm64 stage2"),
               ARM64),
    Comparison("KVM/RISC-V G-stage, ported against unmodified",
               ("riscv-ported", "KVM/RISC-V G-stage"), ("riscv-unmodified", "KVM/RISC-V G-stage"),
               RISCV),
    Comparison("engine with arm64's stage 2 against KVM/arm64, unmodified",
               ("engine", "kvm_pgtable stage2"), ("arm64-unmodified", "KVM/arm64 stage2")),
)
