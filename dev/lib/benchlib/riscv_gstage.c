// SPDX-License-Identifier: GPL-2.0-only
/* KVM/RISC-V's page tables, as they are. */
#include "riscv.h"

#include <kvm/gstage.c>
