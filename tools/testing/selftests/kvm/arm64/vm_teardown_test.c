// SPDX-License-Identifier: GPL-2.0-only
/*
 * Destroying a VM must not wait for more RCU grace periods than its own stage 2 needs,
 * regardless of the number of nested MMUs of its vCPUs.
 */
#include <fcntl.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>

#define TRACING		"/sys/kernel/tracing/"
#define PROBE		"kvm_teardown/waits"
#define NR_VCPUS	8
/* One for stage 2, and one that KVM needs for every VM. */
#define MAX_WAITS	2

static void guest_code(void)
{
}

static bool write_tracing(const char *file, int flags, const char *format, ...)
{
	char path[128], text[128];
	ssize_t length;
	va_list args;
	int fd;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	snprintf(path, sizeof(path), TRACING "%s", file);
	fd = open(path, O_WRONLY | flags);
	if (fd < 0)
		return false;
	length = write(fd, text, length) - length;
	close(fd);
	return !length;
}

static u64 read_waits(void)
{
	char line[256];
	u64 waits = 0;
	FILE *file = fopen(TRACING "trace", "r");

	TEST_ASSERT(file, "trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		waits += line[0] != '#' && strstr(line, "waits: ");
	fclose(file);
	return waits;
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

	TEST_ASSERT(write_tracing("trace", O_TRUNC, " "), "trace: %s", strerror(errno));
	kvm_vm_free(vm);
	waits = read_waits();
	pr_info("%d vCPUs %s EL2: %lu waits for RCU\n", NR_VCPUS, el2 ? "with" : "without", waits);
	return waits;
}

int main(void)
{
	u64 plain, nested = 0;

	TEST_REQUIRE(write_tracing("kprobe_events", O_APPEND, "p:" PROBE " synchronize_rcu\n"));
	TEST_ASSERT(write_tracing("events/" PROBE "/filter", O_TRUNC, "common_pid == %d",
				  getpid()) &&
		    write_tracing("events/" PROBE "/enable", O_TRUNC, "1"), "cannot enable kprobe");

	plain = waits_at_the_end(false);
	if (kvm_check_cap(KVM_CAP_ARM_EL2))
		nested = waits_at_the_end(true);

	write_tracing("events/" PROBE "/enable", O_TRUNC, "0");
	write_tracing("kprobe_events", O_APPEND, "-:" PROBE "\n");
	TEST_ASSERT(plain <= MAX_WAITS && nested <= MAX_WAITS, "%lu and %lu waits for RCU, not %d",
		    plain, nested, MAX_WAITS);
	return 0;
}
