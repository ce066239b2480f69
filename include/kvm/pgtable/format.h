/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one hardware's page-table entry looks like, and what a change of it
 * requires: pure data and pure functions, the lowest layer of the engine.
 *
 * A descriptor is a static const struct handed by address to inline functions,
 * so that shifts, masks and rules fold into the object that uses it.
 */
#ifndef __KVM_PGTABLE_FORMAT_H
#define __KVM_PGTABLE_FORMAT_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

/* The deepest tree of any format: x86, RISC-V, arm64's 4K granule with LPA2. */
#define KPT_MAX_LEVELS		5

typedef u64 kpt_pte_t;

/* An entry that other walkers may reach; only exchange.h strips the __rcu. */
typedef kpt_pte_t __rcu *kpt_ptep_t;

/**
 * enum kpt_prot - what a leaf allows and how its memory is reached
 * @KPT_R:	read
 * @KPT_W:	write
 * @KPT_X:	execute, privileged
 * @KPT_UX:	execute, unprivileged
 * @KPT_DEVICE:	device memory
 * @KPT_NC:	normal memory, not cached
 *
 * Formats that have a single execute permission want both or none of
 * @KPT_X and @KPT_UX.
 */
enum kpt_prot {
	KPT_R		= BIT(0),
	KPT_W		= BIT(1),
	KPT_X		= BIT(2),
	KPT_UX		= BIT(3),
	KPT_DEVICE	= BIT(4),
	KPT_NC		= BIT(5),
};

#define KPT_RW		(KPT_R | KPT_W)
#define KPT_RWX		(KPT_RW | KPT_X | KPT_UX)
#define KPT_PERMS	KPT_RWX

/**
 * enum kpt_features - what the CPU offers beyond its format, fixed at boot
 * @KPT_FEAT_AD:	hardware keeps accessed and dirty bits in this tree
 * @KPT_FEAT_FWB:	stage-2 memory attributes override stage-1 (arm64 FEAT_S2FWB)
 * @KPT_FEAT_XNX:	execute permission by exception level (arm64 FEAT_XNX)
 */
enum kpt_features {
	KPT_FEAT_AD	= BIT(0),
	KPT_FEAT_FWB	= BIT(1),
	KPT_FEAT_XNX	= BIT(2),
};

/**
 * enum kpt_class - the class of a change of one entry
 * @KPT_NONE:		nothing changes
 * @KPT_BAD:		no engine operation may do this, e.g. table to another table
 * @KPT_MAP:		absent to leaf or table
 * @KPT_ANNOTATE:	between absent and annotation, or two annotations
 * @KPT_SOFT:		bits that only software reads
 * @KPT_YOUNG:		accessed is set
 * @KPT_AGE:		accessed is cleared
 * @KPT_RELAX:		permissions are added
 * @KPT_TRACK:		write or dirty is taken away so that the next write is noticed
 * @KPT_PROTECT:	an access is taken away for good
 * @KPT_UNMAP:		leaf to absent
 * @KPT_REMAP:		output address or memory attributes of a leaf change
 * @KPT_SPLIT:		block to table
 * @KPT_COLLAPSE:	table to block
 * @KPT_DETACH:		table to absent
 * @KPT_CHANGES:	how many there are
 */
enum kpt_class {
	KPT_NONE,
	KPT_BAD,
	KPT_MAP,
	KPT_ANNOTATE,
	KPT_SOFT,
	KPT_YOUNG,
	KPT_AGE,
	KPT_RELAX,
	KPT_TRACK,
	KPT_PROTECT,
	KPT_UNMAP,
	KPT_REMAP,
	KPT_SPLIT,
	KPT_COLLAPSE,
	KPT_DETACH,
	KPT_CHANGES
};

/**
 * enum kpt_rule - what a class of change requires, by format
 * @KPT_OWES_LOCAL:	the CPU that faulted drops its own translation before it returns
 * @KPT_OWES_LEAF:	every CPU drops its translations of the range
 * @KPT_OWES_WALK:	every CPU drops cached partial walks of the range, too
 * @KPT_OWES_ALL:	the invalidation cannot be limited to a range
 * @KPT_BREAK:		invalid entry and invalidation before the new value is visible
 * @KPT_REFUSED:	the change is an error
 */
enum kpt_rule {
	KPT_OWES_LOCAL	= BIT(0),
	KPT_OWES_LEAF	= BIT(1),
	KPT_OWES_WALK	= BIT(2),
	KPT_OWES_ALL	= BIT(3),
	KPT_BREAK	= BIT(4),
	KPT_REFUSED	= BIT(5),
};

#define KPT_OWES_BROADCAST	(KPT_OWES_LEAF | KPT_OWES_WALK | KPT_OWES_ALL)

/**
 * struct kpt_field - where a part of the output address stands in an entry
 * @mask:	its bits in the entry
 * @left:	how far left they move to become address bits; negative: right
 */
struct kpt_field {
	u64 mask;
	s8 left;
};

/**
 * struct kpt_format - one hardware's page tables
 * @name:	as in KUnit's rows and in dumps
 * @page_shift:	log2 of the bytes of the smallest page, and of a table
 * @index_bits:	address bits that one level resolves; a table has 1 << @index_bits entries
 * @levels:	the most levels a tree may have
 * @wide_root:	additional address bits that the root may resolve by being several
 *		adjacent tables
 * @block_levels: bit n is set if an entry of level n may map memory
 * @present:	the bit that tells leaves and tables from everything else; software's own
 *		if hardware has none that both share
 * @table_mask:	above level 0, an entry is a table if its bits under this mask ...
 * @table_value: ... are these
 * @table_bits:	what a new table entry consists of, besides its address
 * @page_bits:	what marks a leaf of level 0
 * @block_bits:	what marks a leaf above level 0
 * @oa:		the output address, its low and its high part
 * @empty:	an entry that means nothing, and leads hardware nowhere at any level
 * @frozen:	an entry that belongs to whoever wrote it; others retry; as harmless
 * @accessed:	set when the page was used, 0 if software keeps no such bit
 * @dirty:	set when the page was written, 0 if writes are found by permission
 * @write:	bits that must be set for a write to be allowed
 * @read_only:	bits that must be clear for a write to be allowed
 * @perm_mask:	all bits that decide about permissions, @write and @read_only included
 * @soft:	bits of a leaf that hardware ignores
 * @fast_write:	the software bit that lets a lockless fault set @write, 0 if none does
 * @rules:	what each class of change requires, KPT_CHANGES values
 * @attrs:	encodes &enum kpt_prot for CPUs with &enum kpt_features
 * @perms:	decodes the permissions of a leaf: the KPT_PERMS part of &enum kpt_prot
 * @reserved:	true if hardware would refuse this leaf or table at this level
 */
struct kpt_format {
	const char *name;
	u8 page_shift;
	u8 index_bits;
	u8 levels;
	u8 wide_root;
	u8 block_levels;
	u64 present;
	u64 table_mask;
	u64 table_value;
	u64 table_bits;
	u64 page_bits;
	u64 block_bits;
	struct kpt_field oa[2];
	u64 empty;
	u64 frozen;
	u64 accessed;
	u64 dirty;
	u64 write;
	u64 read_only;
	u64 perm_mask;
	u64 soft;
	u64 fast_write;
	const u8 *rules;
	u64 (*attrs)(unsigned int prot, unsigned int features);
	unsigned int (*perms)(kpt_pte_t pte);
	bool (*reserved)(kpt_pte_t pte, int level);
};

/*
 * Every engine function that takes a descriptor states with this that the
 * descriptor is known at compile time; a caller that hides it does not build.
 */
#define kpt_assert_folded(fmt)					\
	BUILD_BUG_ON_MSG(!__builtin_constant_p((fmt)->present),	\
			 "page-table format is not a compile-time constant")

/* Geometry */

static __always_inline unsigned int kpt_shift(const struct kpt_format *fmt, int level)
{
	return fmt->page_shift + level * fmt->index_bits;
}

/* Bytes that one entry of @level maps. */
static __always_inline u64 kpt_span(const struct kpt_format *fmt, int level)
{
	return 1ULL << kpt_shift(fmt, level);
}

static __always_inline unsigned int kpt_entries(const struct kpt_format *fmt)
{
	return 1U << fmt->index_bits;
}

static __always_inline unsigned int kpt_index(const struct kpt_format *fmt, u64 ia, int level)
{
	return (ia >> kpt_shift(fmt, level)) & (kpt_entries(fmt) - 1);
}

static __always_inline bool kpt_block_level(const struct kpt_format *fmt, int level)
{
	return fmt->block_levels & BIT(level);
}

/* Recognition */

static __always_inline bool kpt_present(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return pte & fmt->present;
}

static __always_inline bool kpt_is_table(const struct kpt_format *fmt, kpt_pte_t pte, int level)
{
	return level && (pte & fmt->table_mask) == fmt->table_value;
}

static __always_inline bool kpt_is_leaf(const struct kpt_format *fmt, kpt_pte_t pte, int level)
{
	return kpt_present(fmt, pte) && !kpt_is_table(fmt, pte, level);
}

static __always_inline bool kpt_frozen(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return pte == fmt->frozen;
}

/* Neither leaf nor table, but more than nothing: MMIO, ownership. */
static __always_inline bool kpt_is_annotation(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return !kpt_present(fmt, pte) && pte != fmt->empty && !kpt_frozen(fmt, pte);
}

static __always_inline bool kpt_writable(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return (pte & fmt->write) == fmt->write && !(pte & fmt->read_only);
}

/**
 * kpt_volatile() - may this entry change under an exclusive walk?
 * @fmt: descriptor
 * @pte: the entry's current value, a leaf
 *
 * Hardware sets dirty in a writable leaf, and a lockless fault makes writable
 * what carries the format's fast-write bit.  Losing the accessed bit is allowed,
 * so it does not count.
 *
 * Return: true if a plain store could lose what was set meanwhile.
 */
static __always_inline bool kpt_volatile(const struct kpt_format *fmt, kpt_pte_t pte)
{
	if (kpt_writable(fmt, pte))
		return fmt->dirty && !(pte & fmt->dirty);

	return pte & fmt->fast_write;
}

/* Encoding and decoding */

static __always_inline u64 kpt_field_get(struct kpt_field f, kpt_pte_t pte)
{
	return f.left >= 0 ? (pte & f.mask) << f.left : (pte & f.mask) >> -f.left;
}

static __always_inline u64 kpt_field_put(struct kpt_field f, u64 oa)
{
	return (f.left >= 0 ? oa >> f.left : oa << -f.left) & f.mask;
}

static __always_inline u64 kpt_oa(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return kpt_field_get(fmt->oa[0], pte) | kpt_field_get(fmt->oa[1], pte);
}

static __always_inline kpt_pte_t kpt_oa_bits(const struct kpt_format *fmt, u64 oa)
{
	return kpt_field_put(fmt->oa[0], oa) | kpt_field_put(fmt->oa[1], oa);
}

static __always_inline u64 kpt_oa_mask(const struct kpt_format *fmt)
{
	return fmt->oa[0].mask | fmt->oa[1].mask;
}

static __always_inline u64 kpt_level_bits(const struct kpt_format *fmt, int level)
{
	return level ? fmt->block_bits : fmt->page_bits;
}

/* The bits that kpt_level_bits() decides about. */
static __always_inline u64 kpt_level_mask(const struct kpt_format *fmt)
{
	return fmt->page_bits | fmt->block_bits;
}

static __always_inline kpt_pte_t
kpt_leaf(const struct kpt_format *fmt, u64 oa, u64 attrs, int level)
{
	return kpt_oa_bits(fmt, oa) | attrs | kpt_level_bits(fmt, level);
}

static __always_inline kpt_pte_t kpt_table(const struct kpt_format *fmt, u64 pa)
{
	return kpt_oa_bits(fmt, pa) | fmt->table_bits;
}

/* A leaf without its address and level: permissions, memory type, software bits. */
static __always_inline u64 kpt_leaf_attrs(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return pte & ~(kpt_oa_mask(fmt) | kpt_level_mask(fmt));
}

/* The same memory and attributes as @pte, as an entry of another level. */
static __always_inline kpt_pte_t kpt_relevel(const struct kpt_format *fmt, kpt_pte_t pte, int level)
{
	return kpt_leaf(fmt, ALIGN_DOWN(kpt_oa(fmt, pte), kpt_span(fmt, level)),
			kpt_leaf_attrs(fmt, pte), level);
}

/* Changes */

static __always_inline enum kpt_class
kpt_classify_leaf(const struct kpt_format *fmt, kpt_pte_t old, kpt_pte_t new)
{
	unsigned int lost = fmt->perms(old) & ~fmt->perms(new);
	unsigned int gained = fmt->perms(new) & ~fmt->perms(old);

	if ((old ^ new) & ~(fmt->perm_mask | fmt->accessed | fmt->dirty | fmt->soft))
		return KPT_REMAP;
	if (old & ~new & fmt->fast_write || lost & ~KPT_W)
		return KPT_PROTECT;
	if (lost && fmt->fast_write && !(new & fmt->fast_write))
		return KPT_PROTECT;
	if (lost || old & ~new & fmt->dirty)
		return KPT_TRACK;
	if (gained)
		return KPT_RELAX;
	if (old & ~new & fmt->accessed)
		return KPT_AGE;
	return new & ~old & fmt->accessed ? KPT_YOUNG : KPT_SOFT;
}

/**
 * kpt_classify() - say what kind of change replacing one value by another is
 * @fmt: descriptor
 * @old: the entry's value before
 * @new: its value after
 * @level: the entry's level
 *
 * Freezing and thawing are steps of a change, not changes: a frozen value on
 * either side is KPT_BAD.
 *
 * Return: the one class that decides about breaking, invalidation and barriers
 * through &kpt_format.rules.
 */
static __always_inline enum kpt_class
kpt_classify(const struct kpt_format *fmt, kpt_pte_t old, kpt_pte_t new, int level)
{
	bool from_table = kpt_is_table(fmt, old, level);
	bool to_table = kpt_is_table(fmt, new, level);

	if (kpt_frozen(fmt, old) || kpt_frozen(fmt, new))
		return KPT_BAD;
	if (old == new)
		return KPT_NONE;
	if (!kpt_present(fmt, old))
		return kpt_present(fmt, new) ? KPT_MAP : KPT_ANNOTATE;
	if (!kpt_present(fmt, new))
		return from_table ? KPT_DETACH : KPT_UNMAP;
	if (from_table)
		return to_table ? KPT_BAD : KPT_COLLAPSE;
	if (to_table)
		return KPT_SPLIT;
	return kpt_classify_leaf(fmt, old, new);
}

static __always_inline u8 kpt_rule(const struct kpt_format *fmt, enum kpt_class change)
{
	return fmt->rules[change];
}

#endif /* __KVM_PGTABLE_FORMAT_H */
