// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/loongarch.h>

#include "ports.h"

DEFINE_KPT_PORT(loongarch, kpt_loongarch, kpt_test_ops);

long kpt_run_loongarch(struct kpt_call *call)
{
	return kpt_test_dispatch(&loongarch_port, call);
}
