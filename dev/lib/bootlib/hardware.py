# SPDX-License-Identifier: GPL-2.0
"""The kinds of hardware that are emulated, and what each is asked to run."""

from dataclasses import dataclass

# The huge page of each page size, in MiB.
HUGE = {"4k": 2, "16k": 32, "64k": 512}
# With large pages, the unmodified kernel still finds most pages idle that the guest has used.
IDLE = {"4k": "", "16k": " -w 1", "64k": " -w 1"}

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

# With two CPUs.  Not set_memory_region_test, where the unmodified kernel does not get past
# "MOVE of in-use region" in minutes either.
TESTS_EPT_SMP = """
demand_paging_test -v 2 -b 8M
demand_paging_test -v 2 -b 2M -u MINOR -s shmem
dirty_log_perf_test -v 2 -b 8M -i 2
dirty_log_perf_test -v 2 -b 16M -i 2 -e -g -s anonymous_hugetlb_2mb
memslot_modification_stress_test -v 2 -b 4M -i 20
kvm_page_table_test -v 2 -b 8M
kvm_page_table_test -v 2 -b 32M -s anonymous_hugetlb_2mb
access_tracking_perf_test -v 2 -b 2M
dirty_log_test -i 3
mmu_lifetime_perf_test -b 8M
pre_fault_memory_test
"""

# Not arm64/page_fault_test, which fails on the unmodified kernel, too, and takes minutes.
TESTS_ARM64 = """
demand_paging_test -v 2 -b 8M
demand_paging_test -v 2 -b 4M -u MISSING
demand_paging_test -v 2 -b 4M -u MINOR -s shmem
dirty_log_perf_test -v 2 -b 8M -i 2
dirty_log_perf_test -v 2 -b 8M -i 2 -e
dirty_log_perf_test -v 2 -b {huge}M -i 2 -s anonymous_hugetlb_{huge}mb
dirty_log_perf_test -v 2 -b {huge}M -i 2 -e -g -s anonymous_hugetlb_{huge}mb
kvm_page_table_test -v 2 -b 4M
kvm_page_table_test -v 2 -b {huge}M -s anonymous_hugetlb_{huge}mb
access_tracking_perf_test -v 1 -b 8M{idle}
dirty_log_test -i 3
arm64/stage2_block_transitions
set_memory_region_test
kvm_binary_stats_test
"""

# Guests that may be hypervisors: the tests of their EL2, and a little of the rest.
TESTS_NESTED = """
arm64/hello_el2
arm64/at
demand_paging_test -v 2 -b 4M
kvm_page_table_test -v 2 -b {huge}M -s anonymous_hugetlb_{huge}mb
dirty_log_test -i 3 -m 6
"""

TESTS_RISCV = """
demand_paging_test -v 2 -b 16M
demand_paging_test -v 2 -b 4M -u MISSING
demand_paging_test -v 2 -b 4M -u MINOR -s shmem
dirty_log_perf_test -v 2 -b 16M -i 2
dirty_log_perf_test -v 2 -b 16M -i 2 -e
dirty_log_perf_test -v 2 -b 16M -i 2 -s anonymous_hugetlb_2mb
dirty_log_perf_test -v 2 -b 16M -i 2 -e -g -s anonymous_hugetlb_2mb
kvm_page_table_test -v 2 -b 8M
kvm_page_table_test -v 2 -b 16M -s anonymous_hugetlb_2mb
access_tracking_perf_test -v 2 -b 8M
memslot_modification_stress_test -v 2 -b 4M -i 20
dirty_log_test -i 3
set_memory_region_test
kvm_binary_stats_test
"""

# Ours, for what the unmodified kernel does not do.
TESTS_ARM64_PORTED = """
huge_page_recovery_test
arm64/tlb_invalidation_test
arm64/eager_split_test
lockless_ageing_test
arm64/vm_teardown_test
"""


@dataclass(frozen=True)
class Hardware:
    """`architecture` as the kernel's selftests call it; `packages` are groups of dev/packages."""
    name: str
    architecture: str
    model: str
    packages: tuple
    tests: str
    ported_tests: str
    facts: str
    counts: tuple
    hugepages: dict
    port: str = "ttyS"
    parameters: str = ""
    # Packages of the emulated architecture, where it is not this machine's.
    foreign: tuple = ()
    # What is run instead of `tests` where the host has more than one CPU.
    smp_tests: str = ""
    # The most CPUs that the host can have, 0 if its kernel alone limits them.
    cpus: int = 0
    # The CPUs take turns, and time is a count of instructions.
    interpreted: bool = False
    boot_limit: int = 120
    test_limit: int = 600
    # What must not be 0 in a run of all of the ported kernel's tests.
    must_happen: tuple = ()
    # One on an emulator that counts a nanosecond for an instruction.
    nanoseconds_per_instruction: int = 1


# The last is how many tables were torn down without a look at each leaf: the ported kernel's way,
# which a run of all tests must have gone.
X86_COUNTS = ("faults", "allocated", "freed", "split", "recovered", "flushes", "unseen")
# What each function of the hypervisor invalidates: the last four are kinds of TLB invalidation.
ARM64_COUNTS = ("faults", "allocated", "local", "page", "range", "vmid")


def arm64(name, parameters="", tests=TESTS_ARM64, ported_tests=TESTS_ARM64_PORTED):
    return Hardware(
        name=name, architecture="arm64", model="max", packages=("arm64", "qemu-arm"),
        foreign=("busybox-static", "uuid-dev"), port="ttyAMA", parameters=parameters,
        tests=tests, ported_tests=ported_tests, facts="{kvm}", counts=ARM64_COUNTS,
        hugepages={"4k": 512, "16k": 24, "64k": 3})


TESTS_RISCV_PORTED = """
huge_page_recovery_test
riscv/eager_split_test
riscv/table_leak_test
riscv/shared_page_test
riscv/partial_unmap_test
riscv/huge_page_ageing_test
riscv/huge_page_logging_test
eager_page_split=0 riscv/huge_page_logging_test
riscv/fence_scope_test
lockless_ageing_test
mmu_lifetime_perf_test -b 16M
"""

# Fences that are requested from all vCPUs, for a range and for all of it, and fences of a hart.
RISCV_COUNTS = ("faults", "allocated", "range", "vmid", "fences")

ALL = {hardware.name: hardware for hardware in (
    Hardware(
        name="npt", architecture="x86", model="EPYC-Rome", packages=("x86", "qemu"),
        tests=TESTS_NPT, ported_tests="x86/page_tables_dump_test",
        facts="la57={la57}, npt={npt} tdp_mmu={tdp_mmu}", counts=X86_COUNTS,
        must_happen=("unseen",), hugepages={"4k": 512}),
    Hardware(
        name="ept", architecture="x86", model="corei7_haswell_4770", packages=("x86", "ept"),
        tests=TESTS_EPT, ported_tests="x86/page_tables_dump_test",
        facts="la57={la57}, ept={ept} eptad={eptad} pml={pml} tdp_mmu={tdp_mmu}",
        counts=X86_COUNTS, must_happen=("unseen",), hugepages={"4k": 64},
        smp_tests=TESTS_EPT_SMP,
        # With 4 CPUs the boot stops after "workingset:", at every quantum.
        cpus=2, interpreted=True, boot_limit=600, test_limit=1200,
        # Bochs runs this many instructions in a second of its own time.
        nanoseconds_per_instruction=10),
    arm64("vhe"),
    arm64("nvhe", "kvm-arm.mode=nvhe"),
    # What ours do is not for tables that EL2 owns.
    arm64("protected", "kvm-arm.mode=protected", ported_tests=""),
    arm64("nested", "kvm-arm.mode=nested", tests=TESTS_NESTED,
          ported_tests="arm64/vm_teardown_test"),
    Hardware(
        name="riscv", architecture="riscv", model="rv64", packages=("clang", "riscv", "qemu-riscv"),
        foreign=("busybox-static", "uuid-dev"), tests=TESTS_RISCV, ported_tests=TESTS_RISCV_PORTED,
        facts="{gstage}, VMID of {vmid} bits", counts=RISCV_COUNTS, hugepages={"4k": 256}),
)}
