/* SPDX-License-Identifier: GPL-2.0-only */
/* The formats under test, each with what the architecture's manual says of it. */
#ifndef __KVM_PGTABLE_TESTS_FORMATS_H
#define __KVM_PGTABLE_TESTS_FORMATS_H

#include <linux/array_size.h>
#include <kvm/pgtable/format.h>

#define KPT_TEST_BITS	12

enum kpt_kind {
	KPT_ABSENT,
	KPT_ANNOTATION,
	KPT_FROZEN,
	KPT_TABLE,
	KPT_LEAF,
	KPT_RESERVED,	/* present, but refused by hardware */
};

/**
 * enum kpt_vector_flags - more about an entry
 * @MADE:	the descriptor encodes exactly this value
 * @YOUNG:	accessed is set
 * @DIRTY:	dirty is set
 */
enum kpt_vector_flags {
	MADE	= BIT(0),
	YOUNG	= BIT(1),
	DIRTY	= BIT(2),
};

/**
 * struct kpt_vector - an entry, and what it is by the manual
 * @pte:	value
 * @level:	level that it stands at
 * @kind:	&enum kpt_kind
 * @oa:		address of the memory or of the table
 * @prot:	&enum kpt_prot
 * @flags:	&enum kpt_vector_flags
 * @features:	&enum kpt_features that it is encoded with
 */
struct kpt_vector {
	u64 pte;
	s8 level;
	u8 kind;
	u64 oa;
	u8 prot;
	u8 flags;
	u8 features;
};

/**
 * struct kpt_reading - an entry as the hardware sees it
 * @kind:	&enum kpt_kind but KPT_RESERVED; absent if neither leaf nor table
 * @valid:	the hardware takes it for present
 * @writable:	a write goes through without a fault, or would but for dirty
 * @oa:		address of the memory or of the table
 * @perms:	KPT_PERMS part of &enum kpt_prot
 * @memory:	the bits that decide about the memory type
 * @type:	KPT_DEVICE, KPT_NC, 0 for normal cached memory or KPT_NO_TYPE
 * @accessed:	accessed is set
 * @dirty:	dirty is set
 * @fast:	KVM may make it writable without a lock
 */
struct kpt_reading {
	enum kpt_kind kind;
	bool valid;
	bool writable;
	u64 oa;
	unsigned int perms;
	u64 memory;
	unsigned int type;
	bool accessed;
	bool dirty;
	bool fast;
};

#define KPT_NO_TYPE	(KPT_DEVICE | KPT_NC)

/**
 * struct kpt_test_format - a format under test
 * @name:	its row in KUnit's output
 * @format:	descriptor
 * @read:	reads an entry of a level, written without the descriptor
 * @rules:	what each class of change requires
 * @entries:	entries of a table
 * @levels:	levels of the deepest tree
 * @shifts:	log2 of what an entry maps, by level
 * @ia:		an input address ...
 * @indices:	... and its indices, by level
 * @block_levels: levels whose entries may map memory
 * @wide_root:	address bits that the root may resolve beyond a table's
 * @oa_bits:	output address bits
 * @bits:	bits worth combining: each kind of decision has one, 0 repeated is none
 * @soft:	bits of a leaf that only software reads
 * @page_set:	at level 0, set in every leaf
 * @page_clear:	at level 0, clear in every leaf
 * @split_exec:	execution is allowed by privilege level
 * @exec_feature: what the CPU must offer for that, 0 if it always does
 * @vectors:	literal entries
 * @count:	how many
 */
struct kpt_test_format {
	const char *name;
	const struct kpt_format *format;
	struct kpt_reading (*read)(u64 pte, int level);
	const u8 *rules;
	unsigned int entries;
	u8 levels;
	u8 shifts[KPT_MAX_LEVELS];
	u64 ia;
	u16 indices[KPT_MAX_LEVELS];
	u8 block_levels;
	u8 wide_root;
	u8 oa_bits;
	u8 bits[KPT_TEST_BITS];
	u64 soft;
	u64 page_set;
	u64 page_clear;
	bool split_exec;
	unsigned int exec_feature;
	const struct kpt_vector *vectors;
	unsigned int count;
};

extern const struct kpt_test_format *const kpt_test_formats[];

extern const struct kpt_test_format kpt_test_ept;
extern const struct kpt_test_format kpt_test_npt;
extern const struct kpt_test_format kpt_test_stage2_4k;
extern const struct kpt_test_format kpt_test_stage2_4k_lpa2;
extern const struct kpt_test_format kpt_test_stage2_16k;
extern const struct kpt_test_format kpt_test_stage2_16k_lpa2;
extern const struct kpt_test_format kpt_test_stage2_64k;
extern const struct kpt_test_format kpt_test_stage2_64k_lpa;
extern const struct kpt_test_format kpt_test_hyp_4k;
extern const struct kpt_test_format kpt_test_hyp_4k_lpa2;
extern const struct kpt_test_format kpt_test_hyp_16k;
extern const struct kpt_test_format kpt_test_hyp_16k_lpa2;
extern const struct kpt_test_format kpt_test_hyp_64k;
extern const struct kpt_test_format kpt_test_hyp_64k_lpa;
extern const struct kpt_test_format kpt_test_hvhe_4k;
extern const struct kpt_test_format kpt_test_hvhe_4k_lpa2;
extern const struct kpt_test_format kpt_test_hvhe_16k;
extern const struct kpt_test_format kpt_test_hvhe_16k_lpa2;
extern const struct kpt_test_format kpt_test_hvhe_64k;
extern const struct kpt_test_format kpt_test_hvhe_64k_lpa;
extern const struct kpt_test_format kpt_test_gstage;
extern const struct kpt_test_format kpt_test_loongarch;

struct kpt_reading kpt_read_ept(u64 pte, int level);
struct kpt_reading kpt_read_npt(u64 pte, int level);
struct kpt_reading kpt_read_s2(u64 pte, int level);
struct kpt_reading kpt_read_s2_lpa(u64 pte, int level);
struct kpt_reading kpt_read_s2_lpa2(u64 pte, int level);
struct kpt_reading kpt_read_hyp(u64 pte, int level);
struct kpt_reading kpt_read_hyp_lpa(u64 pte, int level);
struct kpt_reading kpt_read_hyp_lpa2(u64 pte, int level);
struct kpt_reading kpt_read_hvhe(u64 pte, int level);
struct kpt_reading kpt_read_hvhe_lpa(u64 pte, int level);
struct kpt_reading kpt_read_hvhe_lpa2(u64 pte, int level);
struct kpt_reading kpt_read_gstage(u64 pte, int level);
struct kpt_reading kpt_read_loongarch(u64 pte, int level);

extern const u8 kpt_rules_x86[KPT_CHANGES];
extern const u8 kpt_rules_arm64[KPT_CHANGES];
extern const u8 kpt_rules_gstage[KPT_CHANGES];
extern const u8 kpt_rules_loongarch[KPT_CHANGES];

#endif /* __KVM_PGTABLE_TESTS_FORMATS_H */
