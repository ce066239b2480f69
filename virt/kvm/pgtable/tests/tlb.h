/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulated CPUs.  They walk the real tables with decoders that were written from
 * the architecture manuals and share nothing with the formats.  They cache leaves
 * and page-walk intermediate entries, and drop only what the engine flushes.
 */
#ifndef __KVM_PGTABLE_TESTS_TLB_H
#define __KVM_PGTABLE_TESTS_TLB_H

#include <kvm/pgtable/port.h>

struct kpt_config;
struct kpt_test;

enum kpt_hw_kind {
	KPT_HW_ABSENT,
	KPT_HW_TABLE,
	KPT_HW_LEAF,
	KPT_HW_FAULTY,		/* malformed according to the manual */
};

/**
 * struct kpt_hw_entry - an entry as decoded by hardware
 * @kind:	kind
 * @oa:		output address of a leaf, address of a table
 * @perms:	KPT_PERMS of a leaf
 * @memory:	memory type and attributes in the encoding of the architecture
 * @accessed:	if false, hardware sets @set_accessed before it uses the entry
 * @dirty:	if false, hardware sets @set_dirty before it writes
 * @set_accessed: bits to set on an access
 * @set_dirty:	bits to set on a write
 */
struct kpt_hw_entry {
	enum kpt_hw_kind kind;
	u64 oa;
	unsigned int perms;
	u64 memory;
	bool accessed;
	bool dirty;
	u64 set_accessed;
	u64 set_dirty;
};

enum kpt_arm64_regime {
	KPT_ARM64_STAGE2,
	KPT_ARM64_EL2,
	KPT_ARM64_EL20,
};

enum kpt_arm64_lpa {
	KPT_ARM64_48BIT,
	KPT_ARM64_LPA2,		/* bits 51:50 in 9:8 */
	KPT_ARM64_LPA,		/* bits 51:48 in 15:12 */
};

/**
 * struct kpt_cpu_arch - MMU of a type of CPU
 * @decode:	decode an entry
 * @page_shift:	log2 of the smallest page size
 * @index_bits:	address bits per level
 * @refault:	a fault does not evict the translation that caused it from the TLB
 * @absent:	non-present entries may be cached
 * @conflicts:	different translations for one address in the TLB are an error
 * @level_hints: a flush for one level may skip leaves at other levels
 * @regime:	arm64 only, translation regime
 * @lpa:	arm64 only, encoding of the highest address bits
 * @all_for_walks: only a flush of everything also flushes page-walk caches
 */
struct kpt_cpu_arch {
	struct kpt_hw_entry (*decode)(const struct kpt_config *config, u64 pte, int level);
	u8 page_shift;
	u8 index_bits;
	bool refault;
	bool absent;
	bool conflicts;
	bool all_for_walks;
	bool level_hints;
	enum kpt_arm64_regime regime;
	enum kpt_arm64_lpa lpa;
};

extern const struct kpt_cpu_arch kpt_cpu_ept;
extern const struct kpt_cpu_arch kpt_cpu_npt;
extern const struct kpt_cpu_arch kpt_cpu_s2_4k;
extern const struct kpt_cpu_arch kpt_cpu_s2_4k_lpa2;
extern const struct kpt_cpu_arch kpt_cpu_s2_16k;
extern const struct kpt_cpu_arch kpt_cpu_s2_16k_lpa2;
extern const struct kpt_cpu_arch kpt_cpu_s2_64k;
extern const struct kpt_cpu_arch kpt_cpu_s2_64k_lpa;
extern const struct kpt_cpu_arch kpt_cpu_hyp_4k;
extern const struct kpt_cpu_arch kpt_cpu_hyp_4k_lpa2;
extern const struct kpt_cpu_arch kpt_cpu_hyp_16k;
extern const struct kpt_cpu_arch kpt_cpu_hyp_16k_lpa2;
extern const struct kpt_cpu_arch kpt_cpu_hyp_64k;
extern const struct kpt_cpu_arch kpt_cpu_hyp_64k_lpa;
extern const struct kpt_cpu_arch kpt_cpu_hvhe_4k;
extern const struct kpt_cpu_arch kpt_cpu_gstage;
extern const struct kpt_cpu_arch kpt_cpu_gstage_svvptc;
extern const struct kpt_cpu_arch kpt_cpu_loongarch;

#define KPT_CPU_LEAVES	16
#define KPT_CPU_WALKS	12

/* A cached translation, unused if span is 0. */
struct kpt_cached_leaf {
	u64 ia;
	u64 span;
	int level;
	struct kpt_hw_entry entry;
};

/* Page-walk cache: the table to continue at for a range, unused if span is 0. */
struct kpt_cached_walk {
	u64 ia;
	u64 span;
	int level;
	const kpt_pte_t *table;
};

struct kpt_cpu {
	struct kpt_cached_leaf leaves[KPT_CPU_LEAVES];
	struct kpt_cached_walk walks[KPT_CPU_WALKS];
	unsigned int next_leaf;
	unsigned int next_walk;
};

/* Access memory from a guest on one CPU.  Return true if that was allowed. */
bool kpt_cpu_access(struct kpt_test *t, unsigned int cpu, u64 ia, unsigned int perm);

/* Flush the TLBs of the CPUs. */
void kpt_cpus_invalidate(struct kpt_test *t, const struct kpt_flush *flush);

/* Report each cached translation that the tree does not allow any more. */
void kpt_cpus_check(struct kpt_test *t);

/* Report each page-walk cache entry that points to a table to be reclaimed. */
void kpt_cpus_check_table(struct kpt_test *t, const kpt_pte_t *table, const char *when);

/* Verify that the current CPU can do those accesses of @perms that the tree allows. */
void kpt_cpus_check_progress(struct kpt_test *t, u64 ia, unsigned int perms);

#endif /* __KVM_PGTABLE_TESTS_TLB_H */
