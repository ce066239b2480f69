/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulated CPUs: they walk the real tables by decoders of their own, which were
 * written from the architecture manuals and share nothing with the descriptors,
 * cache leaves and partial walks, and forget only what the engine invalidates.
 */
#ifndef __KVM_PGTABLE_TESTS_TLB_H
#define __KVM_PGTABLE_TESTS_TLB_H

#include <kvm/pgtable/port.h>

struct kpt_config;
struct kpt_test;

/* What an entry is to the hardware. */
enum kpt_hw_kind {
	KPT_HW_ABSENT,
	KPT_HW_TABLE,
	KPT_HW_LEAF,
	KPT_HW_FAULTY,		/* the manual forbids it */
};

/**
 * struct kpt_hw_entry - an entry as the hardware understands it
 * @kind:	kind
 * @oa:		output address of a leaf, address of a table
 * @perms:	KPT_PERMS of a leaf
 * @memory:	memory type and attributes as the architecture encodes them
 * @accessed:	false: the hardware sets @set_accessed before it uses the entry
 * @dirty:	false: the hardware sets @set_dirty before it writes
 * @set_accessed: bits
 * @set_dirty:	bits
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
 * struct kpt_cpu_arch - how a kind of CPU walks
 * @decode:	reads an entry
 * @page_shift:	log2 of the smallest page
 * @index_bits:	address bits per level
 * @refault:	a fault leaves the translation that caused it in the TLB
 * @absent:	absent entries may be cached
 * @conflicts:	two translations of one address that differ are an error
 * @level_hints: an invalidation for one level may pass over leaves of others
 * @regime:	for arm64: whose tables they are
 * @lpa:	for arm64: how the highest address bits are encoded
 * @all_for_walks: only an invalidation of everything reaches cached partial walks
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
extern const struct kpt_cpu_arch kpt_cpu_loongarch;

#define KPT_CPU_LEAVES	16
#define KPT_CPU_WALKS	12

/* A cached translation; span 0: none. */
struct kpt_cached_leaf {
	u64 ia;
	u64 span;
	int level;
	struct kpt_hw_entry entry;
};

/* A cached partial walk: where to go on for addresses of a range; span 0: none. */
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

/* An access by a guest on one CPU; true if it was allowed. */
bool kpt_cpu_access(struct kpt_test *t, unsigned int cpu, u64 ia, unsigned int perm);

/* What the CPUs cache after this invalidation. */
void kpt_cpus_invalidate(struct kpt_test *t, const struct kpt_debt *debt);

/* Reports every cached translation that the tree no longer allows. */
void kpt_cpus_check(struct kpt_test *t);

/* Reports every cached partial walk through a table that is to be reclaimed. */
void kpt_cpus_check_table(struct kpt_test *t, const kpt_pte_t *table, const char *when);

/* The current CPU must be able to do those of @perms that the tree allows. */
void kpt_cpus_check_progress(struct kpt_test *t, u64 ia, unsigned int perms);

#endif /* __KVM_PGTABLE_TESTS_TLB_H */
