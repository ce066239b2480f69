/* SPDX-License-Identifier: GPL-2.0-only */
/* arm64.h has what KVM/arm64's page tables need of it. */
