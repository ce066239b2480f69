# SPDX-License-Identifier: GPL-2.0
"""Who is compared with whom, and which ratio, ours to theirs, is to be reached."""

from dataclasses import dataclass, field

# A row's figure includes what the operation left for later, but where that is compared apart.
DONE, RETURNED = "done", "returned"
TEXT = 1.0
METADATA = 0.5
LIMITS = ("memset64 of 1G's entries", "xchg of 1G's entries", "read of 1G's entries")


@dataclass
class Comparison:
    """Candidates by program and name, targets by row and figure, and the objects that are the
    whole of each where the size of their text is compared, too."""
    title: str
    ours: tuple
    theirs: tuple
    targets: dict = field(default_factory=dict)
    our_objects: tuple = ()
    their_objects: tuple = ()

    def figures(self, row):
        wanted = [figure for name, figure in self.targets if name == row]
        return wanted or [DONE]


GENERIC_PT = {(f"{operation} 256x{size}", DONE): 0.8
              for operation in ("map", "unmap") for size in ("4K", "2M")}

# 0.4 where nobody else may write the entry, 0.8 where it has to be exchanged.
X86 = {
    ("unmap 256x4K", DONE): 0.4,
    ("unmap 256x2M", DONE): 0.4,
    ("unmap 1G of 4K", DONE): 0.4,
    ("write-protect 1G", DONE): 0.8,
    ("write-protect 1G, sparse", DONE): 0.4,
    ("clear dirty 1G", DONE): 0.8,
    ("write-protect 4 of 64", DONE): 0.4,
    ("write-protect 64 of 64", DONE): 0.4,
    ("clear dirty 4 of 64", DONE): 0.4,
    ("clear dirty 64 of 64", DONE): 0.4,
    ("age 4K, one by one", DONE): 0.8,
    ("age 1G", DONE): 0.8,
    ("split 1G", DONE): 0.4,
    ("collapse 1G", DONE): 0.4,
    ("destroy 1G", DONE): 0.4,
    ("zap 1G, shared", DONE): 0.8,
}
# 0.8 where references to a page are counted for each entry, or no lock is held (ageing).
ARM64 = {
    ("map 256x4K", DONE): 0.8,
    ("map 256x2M", DONE): 0.8,
    ("map 1G of 4K", DONE): 0.8,
    ("unmap 256x4K", DONE): 0.8,
    ("unmap 256x2M", DONE): 0.8,
    ("unmap 1G of 4K", DONE): 0.8,
    ("write-protect 1G", DONE): 0.4,
    ("write-protect 1G, sparse", DONE): 0.4,
    ("age 4K, one by one", DONE): 0.8,
    ("age 1G", DONE): 0.8,
    ("split 1G", DONE): 0.8,
    ("collapse 1G", DONE): 0.8,
    ("destroy 1G", DONE): 0.8,
}
FAULTS = {
    ("fault, table there", DONE): 0.8,
    ("fault, new table", DONE): 0.8,
}
TEARDOWN = {
    ("tear down 1G, shared", RETURNED): 0.1,
    ("tear down 1G, shared", DONE): 0.5,
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
               X86 | FAULTS | TEARDOWN,
               ("ported/arch/x86/kvm/mmu/tdp_mmu.o",),
               ("unmodified/arch/x86/kvm/mmu/tdp_mmu.o", "unmodified/arch/x86/kvm/mmu/tdp_iter.o")),
    Comparison("KVM/arm64 stage 2, ported against unmodified",
               ("arm64-ported", "KVM/arm64 stage2"), ("arm64-unmodified", "KVM/arm64 stage2"),
               ARM64 | FAULTS, ("ported-ours/arm64_pgtable.o",), ("unmodified-ours/arm64_pgtable.o",)),
    Comparison("engine with arm64's stage 2 against KVM/arm64, unmodified",
               ("engine", "kvm_pgtable stage2"), ("arm64-unmodified", "KVM/arm64 stage2")),
)
