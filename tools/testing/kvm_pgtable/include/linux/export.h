/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_PGTABLE_LINUX_EXPORT_H
#define __KVM_PGTABLE_LINUX_EXPORT_H

#define EXPORT_SYMBOL_FOR_MODULES(symbol, modules)	static_assert(true)
#define EXPORT_TRACEPOINT_SYMBOL_GPL(name)		static_assert(true)

#endif
