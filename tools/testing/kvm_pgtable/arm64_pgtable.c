// SPDX-License-Identifier: GPL-2.0-only
/* KVM/arm64's page tables, unmodified. */
#include "arm64.h"

#include <kvm/hyp/pgtable.c>
