/* SPDX-License-Identifier: GPL-2.0-only */
/* Formats under test, each with facts from the architecture manual. */
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
	KPT_RESERVED,	/* present, but malformed for hardware */
};

/**
 * enum kpt_vector_flags - properties of an entry
 * @MADE:	the format encodes exactly this value
 * @YOUNG:	accessed is set
 * @DIRTY:	dirty is set
 */
enum kpt_vector_flags {
	MADE	= BIT(0),
	YOUNG	= BIT(1),
	DIRTY	= BIT(2),
};

/**
 * struct kpt_vector - an entry, and its meaning according to the manual
 * @pte:	value
 * @level:	level
 * @kind:	&enum kpt_kind
 * @oa:		address of the memory or of the table
 * @prot:	&enum kpt_prot
 * @flags:	&enum kpt_vector_flags
 * @features:	&enum kpt_features to encode it with
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
 * struct kpt_reading - an entry as decoded by hardware
 * @kind:	&enum kpt_kind except KPT_RESERVED; absent if neither leaf nor table
 * @valid:	present for hardware
 * @writable:	a write does not fault, apart from setting the dirty bit
 * @oa:		address of the memory or of the table
 * @perms:	KPT_PERMS part of &enum kpt_prot
 * @memory:	bits that define the memory type
 * @type:	KPT_DEVICE, KPT_NC, 0 for normal cached memory or KPT_NO_TYPE
 * @accessed:	accessed is set
 * @dirty:	dirty is set
 * @fast:	a lockless fault may make it writable
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
 * @name:	name of the KUnit parameter
 * @format:	format
 * @read:	decode an entry, independent of @format
 * @rules:	&enum kpt_rule bits for each &enum kpt_class
 * @entries:	entries per table
 * @levels:	maximum number of levels
 * @shifts:	log2 of the bytes that an entry maps, by level
 * @ia:		an input address
 * @indices:	table indices of @ia, by level
 * @block_levels: bit n is set if a leaf is allowed at level n
 * @wide_root:	extra address bits that the root may resolve
 * @oa_bits:	output address bits
 * @bits:	bits to test in all combinations, at least one of each kind; repeated
 *		zeros at the end are unused
 * @soft:	bits of a leaf that hardware ignores
 * @page_set:	bits that are set in every leaf at level 0
 * @page_clear:	bits that are clear in every leaf at level 0
 * @split_exec:	execute permission depends on the privilege level
 * @exec_feature: &enum kpt_features needed for @split_exec, or 0
 * @vectors:	literal entries
 * @count:	number of @vectors
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
