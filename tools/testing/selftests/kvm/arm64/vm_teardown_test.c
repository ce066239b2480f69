// SPDX-License-Identifier: GPL-2.0-only
/*
 * Destroying a VM must not wait for more RCU grace periods than its own stage 2 needs,
 * regardless of the number of nested MMUs of its vCPUs.
 */
#include <fcntl.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <tracing.h>

#define PROBE		"kvm_teardown/waits"
#define NR_VCPUS	8
/* One for stage 2, and one that KVM needs for every VM. */
#define MAX_WAITS	2

static void guest_code(void)
{
}

static u64 waits_at_the_end(bool el2)
{
	struct kvm_vcpu_init init;
	struct kvm_vm *vm = vm_create(NR_VCPUS);
	u64 waits;

	kvm_get_default_vcpu_target(vm, &init);
	if (el2)
		init.features[0] |= BIT(KVM_ARM_VCPU_HAS_EL2);
	for (int i = 0; i < NR_VCPUS; i++)
		aarch64_vcpu_add(vm, i, &init, guest_code);
	kvm_arch_vm_finalize_vcpus(vm);

	tracing_clear();
	kvm_vm_free(vm);
	waits = tracing_count("waits: ");
	pr_info("%d vCPUs %s EL2: %lu waits for RCU\n", NR_VCPUS, el2 ? "with" : "without", waits);
	return waits;
}

int main(void)
{
	u64 plain, nested = 0;

	TEST_REQUIRE(tracing_write("kprobe_events", O_APPEND, "p:" PROBE " synchronize_rcu\n"));
	TEST_ASSERT(tracing_write("events/" PROBE "/filter", O_TRUNC, "common_pid == %d",
				  getpid()) &&
		    tracing_write("events/" PROBE "/enable", O_TRUNC, "1"), "cannot enable kprobe");

	plain = waits_at_the_end(false);
	if (kvm_check_cap(KVM_CAP_ARM_EL2))
		nested = waits_at_the_end(true);

	tracing_write("events/" PROBE "/enable", O_TRUNC, "0");
	tracing_write("kprobe_events", O_APPEND, "-:" PROBE "\n");
	TEST_ASSERT(plain <= MAX_WAITS && nested <= MAX_WAITS, "%lu and %lu waits for RCU, not %d",
		    plain, nested, MAX_WAITS);
	return 0;
}
