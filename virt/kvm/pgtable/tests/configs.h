/* SPDX-License-Identifier: GPL-2.0-only */
/* The trees that every test of an operation is run on, and how to run it there. */
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
	KPT_OP_EDIT_MASK,
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
 * struct kpt_call - one operation as data, so that one function per format runs them all
 * @op:		operation
 * @tree:	tree
 * @start:	first address
 * @end:	first address behind the range
 * @shared:	other writers are possible
 * @owing:	take the debt instead of paying it
 * @what:	&enum kpt_what
 * @level:	the operation's level: largest block, floor, target
 * @oa:		output address
 * @value:	attributes, or an entry
 * @mask:	pages
 * @blocks:	those of them that blocks map
 * @clear:	bits to clear
 * @set:	bits to set
 * @prot:	permissions to add
 * @budget:	blocks to split; what is left of it afterwards
 * @meanwhile:	for KPT_OP_CHANGE: called between reading the entry and changing it
 * @visit:	for KPT_OP_VISIT: called for each entry
 * @arg:	for @meanwhile and @visit
 * @debt:	what is owed, if @owing
 * @done:	w->start at the end
 * @found:	the entry found or changed
 * @ptes:	the entries looked up
 */
struct kpt_call {
	enum kpt_op op;
	struct kpt_tree *tree;
	u64 start;
	u64 end;
	bool shared;
	bool owing;
	unsigned int what;
	int level;
	u64 oa;
	u64 value;
	u64 mask;
	u64 blocks;
	u64 clear;
	u64 set;
	unsigned int prot;
	unsigned int budget;
	void (*meanwhile)(struct kpt_call *call);
	int (*visit)(struct kpt_walk *w, struct kpt_visit *v, void *arg);
	void *arg;
	struct kpt_debt debt;
	u64 done;
	struct kpt_visit found;
	kpt_pte_t ptes[KPT_MAX_LEVELS];
};

/**
 * struct kpt_config - a format and the shape of a tree
 * @name:	its row in KUnit's output
 * @format:	format
 * @arch:	how simulated CPUs read it
 * @run:	runs an operation
 * @features:	&enum kpt_features
 * @levels:	levels of a tree
 * @ia_bits:	input address bits
 * @ia_base:	a bit that all addresses have, and no range names
 * @unheard:	nobody hears of the leaves of unlinked tables of last level
 * @no_break:	the CPU changes between block and table without break-before-make
 * @saved:	ageing takes all access away and keeps it in these bits; 0: it clears a bit
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
	bool unheard;
	bool no_break;
	u64 saved;
};

extern const struct kpt_config kpt_configs[];
extern const struct kpt_config kpt_mirror_config;

const void *kpt_next_config(struct kunit *test, const void *prev, char *desc);

/* The same for those of which something is true. */
const void *kpt_next_config_where(const void *prev, char *desc,
				  bool (*is_wanted)(const struct kpt_config *config));

/* How the formats' ports run an operation. */
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
