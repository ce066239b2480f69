/* SPDX-License-Identifier: GPL-2.0-only */
/* Trees on which every test of an operation runs. */
#ifndef __KVM_PGTABLE_TESTS_CONFIGS_H
#define __KVM_PGTABLE_TESTS_CONFIGS_H

#include <kvm/pgtable.h>

struct kunit;
struct kpt_cpu_arch;

enum kpt_op {
	KPT_OP_MAP,
	KPT_OP_ANNOTATE,
	KPT_OP_UNMAP,
	KPT_OP_ZAP,
	KPT_OP_WRPROT,
	KPT_OP_PROTECT,
	KPT_OP_CLEAR_DIRTY,
	KPT_OP_CLEAR_MASK,
	KPT_OP_RELAX,
	KPT_OP_AGE,
	KPT_OP_SPLIT,
	KPT_OP_COLLAPSE,
	KPT_OP_LOOKUP,
	KPT_OP_FIRST_LEAF,
	KPT_OP_CHANGE,
	KPT_OP_VISIT,
	KPT_OP_CHANGE_EACH,
	KPT_OP_DUMP,
	KPT_OP_HAND_OVER,
	KPT_OP_UNLINK_EACH,
};

/**
 * struct kpt_seen - snapshot of the current entry of an iterator
 * @ia:		first input address that it maps
 * @ptep:	pointer to the entry
 * @pte:	value
 * @level:	level
 * @post:	it is a table whose entries are done
 */
struct kpt_seen {
	u64 ia;
	kpt_ptep_t ptep;
	kpt_pte_t pte;
	int level;
	bool post;
};

static inline struct kpt_seen kpt_see(const struct kpt_iter *it)
{
	return (struct kpt_seen) { it->ia, it->ptep, it->pte, it->level, it->post };
}

/**
 * struct kpt_call - an operation as data, so that one function per format runs all of them
 * @op:		operation
 * @tree:	tree
 * @start:	start of the range
 * @end:	end of the range, exclusive
 * @shared:	concurrent writers are possible
 * @noflush:	return the pending flush instead of flushing
 * @flags:	&enum kpt_map_flags of KPT_OP_MAP
 * @what:	&enum kpt_what
 * @level:	level argument of the operation: largest block, floor, or target
 * @oa:		output address
 * @value:	attributes, or an entry
 * @mask:	bitmap of pages
 * @blocks:	pages of @mask that are mapped by blocks
 * @clear:	bits to clear
 * @set:	bits to set
 * @prot:	permissions to add
 * @meanwhile:	for KPT_OP_CHANGE, called between reading and changing the entry
 * @visit:	for KPT_OP_VISIT, called for each entry
 * @arg:	argument of @meanwhile and @visit
 * @flush:	pending flush, if @noflush is set
 * @done:	kpt_done() at the end
 * @found:	entry that was found or changed
 * @ptes:	entries that were looked up
 */
struct kpt_call {
	enum kpt_op op;
	struct kpt_tree *tree;
	u64 start;
	u64 end;
	bool shared;
	bool noflush;
	u8 flags;
	unsigned int what;
	int level;
	u64 oa;
	u64 value;
	u64 mask;
	u64 blocks;
	u64 clear;
	u64 set;
	unsigned int prot;
	void (*meanwhile)(struct kpt_call *call);
	int (*visit)(struct kpt_iter *it, void *arg);
	void *arg;
	struct kpt_flush flush;
	u64 done;
	struct kpt_seen found;
	kpt_pte_t ptes[KPT_MAX_LEVELS];
};

/**
 * struct kpt_config - a format and the shape of a tree
 * @name:	name of the KUnit parameter
 * @format:	format
 * @arch:	how the simulated CPUs decode entries
 * @run:	run an operation
 * @features:	&enum kpt_features
 * @levels:	levels of the tree
 * @ia_bits:	input address bits
 * @ia_base:	see &kpt_tree.ia_base
 * @no_events:	no leaf events for unlinked last-level tables, their leaves are counted
 * @no_break:	see &kpt_tree.no_break
 * @no_map_flush: see &kpt_tree.no_map_flush
 * @saved:	ageing clears all permissions and saves them in these bits; 0 if ageing
 *		clears the accessed bit
 */
struct kpt_config {
	const char *name;
	const struct kpt_format *format;
	const struct kpt_cpu_arch *arch;
	long (*run)(struct kpt_call *call);
	unsigned int features;
	u8 levels;
	u8 ia_bits;
	u64 ia_base;
	bool no_events;
	bool no_break;
	bool no_map_flush;
	u64 saved;
};

extern const struct kpt_config kpt_configs[];
extern const struct kpt_config kpt_mirror_config;

const void *kpt_next_config(struct kunit *test, const void *prev, char *desc);

/* As kpt_next_config(), but skip trees for which @is_wanted returns false. */
const void *kpt_next_config_where(const void *prev, char *desc,
				  bool (*is_wanted)(const struct kpt_config *config));

long kpt_run_ept(struct kpt_call *call);
long kpt_run_ept_counted(struct kpt_call *call);
long kpt_run_ept_noad(struct kpt_call *call);
long kpt_run_ept_mirror(struct kpt_call *call);
long kpt_run_npt(struct kpt_call *call);
long kpt_run_s2_4k(struct kpt_call *call);
long kpt_run_s2_4k_lpa2(struct kpt_call *call);
long kpt_run_s2_16k(struct kpt_call *call);
long kpt_run_s2_16k_lpa2(struct kpt_call *call);
long kpt_run_s2_64k(struct kpt_call *call);
long kpt_run_s2_64k_lpa(struct kpt_call *call);
long kpt_run_hyp_4k(struct kpt_call *call);
long kpt_run_hyp_4k_lpa2(struct kpt_call *call);
long kpt_run_hyp_16k(struct kpt_call *call);
long kpt_run_hyp_16k_lpa2(struct kpt_call *call);
long kpt_run_hyp_64k(struct kpt_call *call);
long kpt_run_hyp_64k_lpa(struct kpt_call *call);
long kpt_run_hvhe_4k(struct kpt_call *call);
long kpt_run_gstage(struct kpt_call *call);
long kpt_run_loongarch(struct kpt_call *call);

#endif /* __KVM_PGTABLE_TESTS_CONFIGS_H */
