// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/riscv_gstage.h>

#include "ports.h"

DEFINE_KPT_PORT(gstage, kpt_gstage, kpt_test_ops);

long kpt_run_gstage(struct kpt_call *call)
{
	return kpt_test_dispatch(&gstage_port, call);
}
