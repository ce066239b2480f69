/* SPDX-License-Identifier: GPL-2.0-only */
/* Run a guest up to the ucall that is expected next; show its failed assertion, if any. */
#ifndef SELFTEST_KVM_EXPECT_UCALL_H
#define SELFTEST_KVM_EXPECT_UCALL_H

#include <kvm_util.h>
#include <test_util.h>
#include <ucall_common.h>

static inline void expect_ucall(struct kvm_vcpu *vcpu, u64 expected)
{
	struct ucall uc;

	vcpu_run(vcpu);
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, expected);
}

#endif /* SELFTEST_KVM_EXPECT_UCALL_H */
