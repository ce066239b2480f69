// SPDX-License-Identifier: GPL-2.0-only
/* KVM/arm64's page tables, as they are. */
#include "arm64.h"

#include <kvm/hyp/pgtable.c>
