/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table formats: the layout of an entry, and what each class of change
 * requires of the hardware.  Pure data and pure functions, the lowest layer of
 * the engine.
 *
 * A format is a static const struct that is passed by address to inline
 * functions, so the compiler folds its shifts, masks and rules into the code
 * of each client.
 */
#ifndef __KVM_PGTABLE_FORMAT_H
#define __KVM_PGTABLE_FORMAT_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

/* x86, RISC-V, and arm64 with 4K pages and LPA2 have the deepest trees. */
#define KPT_MAX_LEVELS		5

typedef u64 kpt_pte_t;

/* A live entry.  Only exchange.h strips the __rcu. */
typedef kpt_pte_t __rcu *kpt_ptep_t;

/**
 * enum kpt_prot - permissions and memory type of a leaf
 * @KPT_R:	readable
 * @KPT_W:	writable
 * @KPT_X:	executable by privileged code
 * @KPT_UX:	executable by unprivileged code
 * @KPT_DEVICE:	device memory
 * @KPT_NC:	normal memory, non-cacheable
 *
 * A format with a single execute permission requires @KPT_X and @KPT_UX to be
 * both set or both clear.
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
 * enum kpt_features - optional CPU features, fixed at boot
 * @KPT_FEAT_AD:	hardware updates accessed and dirty bits in this tree
 * @KPT_FEAT_FWB:	stage-2 memory attributes override stage-1 (arm64 FEAT_S2FWB)
 * @KPT_FEAT_XNX:	execute permission per exception level (arm64 FEAT_XNX)
 */
enum kpt_features {
	KPT_FEAT_AD	= BIT(0),
	KPT_FEAT_FWB	= BIT(1),
	KPT_FEAT_XNX	= BIT(2),
};

/**
 * enum kpt_class - classes of changes to a single entry
 * @KPT_NONE:		old and new value are the same
 * @KPT_BAD:		never allowed, e.g. replacing a table by another table
 * @KPT_MAP:		non-present to leaf or table
 * @KPT_ANNOTATE:	empty to annotation, back, or one annotation to another
 * @KPT_SOFT:		only bits that hardware ignores change
 * @KPT_YOUNG:		the accessed bit is set
 * @KPT_AGE:		the accessed bit is cleared
 * @KPT_RELAX:		permissions are added
 * @KPT_TRACK:		write permission or the dirty bit is removed to track the
 *			next write; stale TLB entries are harmless until user space
 *			reads the dirty log
 * @KPT_PROTECT:	a permission is removed; stale TLB entries are not harmless
 * @KPT_UNMAP:		leaf to non-present
 * @KPT_REMAP:		the output address or memory attributes of a leaf change
 * @KPT_SPLIT:		block to table
 * @KPT_COLLAPSE:	table to block
 * @KPT_DETACH:		table to non-present
 * @KPT_CHANGES:	number of classes
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
 * enum kpt_rule - what a format requires for a class of changes
 * @KPT_FLUSH_LOCAL:	flush the faulting CPU's TLB before it retries the access
 * @KPT_FLUSH_LEAF:	flush leaf translations of the range on all CPUs
 * @KPT_FLUSH_WALK:	flush page-walk caches of the range on all CPUs, too
 * @KPT_FLUSH_ALL:	the flush cannot be limited to a range
 * @KPT_FLUSH_NOW:	flush before the lock is dropped; set by the engine for all classes
 *			but KPT_TRACK
 * @KPT_BREAK:		break-before-make: freeze the entry and flush before the new
 *			value is published
 * @KPT_REFUSED:	the change is not allowed and fails with -EINVAL
 */
enum kpt_rule {
	KPT_FLUSH_LOCAL	= BIT(0),
	KPT_FLUSH_LEAF	= BIT(1),
	KPT_FLUSH_WALK	= BIT(2),
	KPT_FLUSH_ALL	= BIT(3),
	KPT_BREAK	= BIT(4),
	KPT_REFUSED	= BIT(5),
	KPT_FLUSH_NOW	= BIT(6),
};

#define KPT_FLUSH_BROADCAST	(KPT_FLUSH_LEAF | KPT_FLUSH_WALK | KPT_FLUSH_ALL)

/**
 * struct kpt_field - position of a part of the output address in an entry
 * @mask:	bits of the entry that hold this part
 * @left:	left shift that turns them into address bits; negative to shift right
 */
struct kpt_field {
	u64 mask;
	s8 left;
};

/**
 * struct kpt_format - a page-table format
 * @name:	name for KUnit parameters and dumps
 * @page_shift:	log2 of the smallest page size, which is also the size of a table
 * @index_bits:	address bits resolved per level; a table has 1 << @index_bits entries
 * @levels:	maximum number of levels
 * @wide_root:	maximum number of extra address bits that the root resolves when it
 *		consists of several adjacent (concatenated) tables
 * @block_levels: bit n is set if a leaf is allowed at level n
 * @present:	bit that is set in leaves and tables and clear in all other entries; a
 *		software bit if hardware has no such bit for both
 * @table_mask:	an entry above level 0 is a table if (entry & @table_mask) equals
 *		@table_value
 * @table_value: see @table_mask
 * @table_bits:	all bits of a new table entry except its address
 * @page_bits:	type bits of a leaf at level 0
 * @block_bits:	type bits of a leaf above level 0
 * @oa:		low and high part of the output address
 * @empty:	value of an unused entry, non-present to hardware at every level
 * @frozen:	value of an entry that is owned by the walker that froze it, so that
 *		others have to retry; non-present to hardware at every level
 * @accessed:	accessed bit, 0 if there is none
 * @dirty:	dirty bit, 0 if writes are tracked by write protection
 * @write:	bits that must all be set for a write to be allowed
 * @read_only:	bits that must all be clear for a write to be allowed
 * @perm_mask:	all permission bits, including @write and @read_only
 * @soft:	bits of a leaf that hardware ignores
 * @fast_write:	software bit that allows a lockless fault to set @write, 0 if there is
 *		no such fault
 * @rules:	&enum kpt_rule bits for each &enum kpt_class, KPT_CHANGES of them
 * @attrs:	encode &enum kpt_prot for a CPU with the given &enum kpt_features
 * @perms:	decode the permissions of a leaf, the KPT_PERMS of &enum kpt_prot
 * @reserved:	true if the leaf or table is malformed for hardware at this level
 * @is_volatile: override for kpt_volatile(), for clients with stricter rules, or NULL
 * @make_old:	return the aged value of a leaf, or NULL to just clear @accessed
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
	bool (*is_volatile)(kpt_pte_t pte);
	kpt_pte_t (*make_old)(kpt_pte_t pte);
};

/* A format that is not a compile-time constant would silently cost performance. */
#define kpt_assert_folded(fmt)					\
	BUILD_BUG_ON_MSG(!__builtin_constant_p((fmt)->present),	\
			 "page-table format is not a compile-time constant")

/* Geometry */

static __always_inline unsigned int kpt_shift(const struct kpt_format *fmt, int level)
{
	return fmt->page_shift + level * fmt->index_bits;
}

/* Bytes mapped by one entry at @level. */
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

/* The present bit, which is set in tables, too, is not compared again. */
static __always_inline bool kpt_is_leaf(const struct kpt_format *fmt, kpt_pte_t pte, int level)
{
	u64 type = fmt->table_mask & ~fmt->present;

	return kpt_present(fmt, pte) && !(level && (pte & type) == (fmt->table_value & type));
}

static __always_inline bool kpt_frozen(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return pte == fmt->frozen;
}

static __always_inline bool kpt_writable(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return (pte & fmt->write) == fmt->write && !(pte & fmt->read_only);
}

/*
 * May a leaf change while the lock is held exclusively, so that a plain store could
 * lose an update?  Hardware may set the dirty bit of a writable leaf, and a lockless
 * fault may make a leaf writable if its fast-write bit is set.  The accessed bit may
 * get lost.
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

/* All bits that kpt_level_bits() may set. */
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

/* Permissions, memory type and software bits of a leaf. */
static __always_inline u64 kpt_leaf_attrs(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return pte & ~(kpt_oa_mask(fmt) | kpt_level_mask(fmt));
}

/* Re-encode @pte for another level; aligns the output address down. */
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

/*
 * The class selects flushes and break-before-make by way of &kpt_format.rules.
 * Freezing an entry is only a step of a change, so a frozen value yields KPT_BAD.
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

/* Is there any change that needs break-before-make? */
static __always_inline bool kpt_has_bbm(const struct kpt_format *fmt)
{
	return (fmt->rules[KPT_REMAP] | fmt->rules[KPT_SPLIT] | fmt->rules[KPT_COLLAPSE]) &
	       KPT_BREAK;
}

#endif /* __KVM_PGTABLE_FORMAT_H */
