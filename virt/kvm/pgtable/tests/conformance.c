// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare the formats with the architecture manuals.  Each test runs on all formats
 * in formats.c, which describes their differences.
 */
#include <kunit/test.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "formats.h"

#define ROUNDS	2000

static ulong seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "seed of random entries, 0 for a random one");

static const void *next_format(struct kunit *test, const void *prev, char *desc)
{
	const struct kpt_test_format *const *next = prev;

	next = next ? next + 1 : kpt_test_formats;
	if (!*next)
		return NULL;
	strscpy(desc, (*next)->name, KUNIT_PARAM_DESC_SIZE);
	return next;
}

static const struct kpt_test_format *format_of(struct kunit *test)
{
	return *(const struct kpt_test_format *const *)test->param_value;
}

static void start_random(struct kunit *test, struct rnd_state *rnd)
{
	u64 chosen = seed ?: get_random_u32() | 1;

	kunit_info(test, "conformance.seed=%llu\n", chosen);
	prandom_seed_state(rnd, chosen);
}

static u64 random_u64(struct rnd_state *rnd)
{
	return (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
}

static bool is_annotation(const struct kpt_format *fmt, kpt_pte_t pte)
{
	return !kpt_present(fmt, pte) && pte != fmt->empty && !kpt_frozen(fmt, pte);
}

static bool may_map(const struct kpt_test_format *f, int level)
{
	return f->block_levels >> level & 1;
}

static void geometry(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);
	const struct kpt_format *fmt = f->format;

	KUNIT_EXPECT_STREQ(test, fmt->name, f->name);
	KUNIT_EXPECT_TRUE(test, is_power_of_2(fmt->present));
	KUNIT_EXPECT_EQ(test, fmt->present & fmt->table_mask & ~fmt->table_value, 0);
	KUNIT_EXPECT_EQ(test, fmt->levels, f->levels);
	KUNIT_EXPECT_EQ(test, kpt_entries(fmt), f->entries);
	KUNIT_EXPECT_EQ(test, f->entries * sizeof(kpt_pte_t), kpt_span(fmt, 0));
	KUNIT_EXPECT_EQ(test, fmt->block_levels, f->block_levels);
	KUNIT_EXPECT_EQ(test, fmt->wide_root, f->wide_root);
	for (int level = 0; level < f->levels; level++) {
		KUNIT_EXPECT_EQ(test, kpt_shift(fmt, level), f->shifts[level]);
		KUNIT_EXPECT_EQ(test, kpt_span(fmt, level), 1ULL << f->shifts[level]);
		KUNIT_EXPECT_EQ(test, kpt_index(fmt, f->ia, level), f->indices[level]);
		KUNIT_EXPECT_EQ(test, kpt_index(fmt, -1ULL, level), f->entries - 1);
		KUNIT_EXPECT_EQ(test, kpt_block_level(fmt, level), may_map(f, level));
	}
}

static enum kpt_kind kind_by_format(const struct kpt_format *fmt, u64 pte, int level)
{
	if (kpt_is_table(fmt, pte, level))
		return KPT_TABLE;
	if (kpt_is_leaf(fmt, pte, level))
		return KPT_LEAF;
	if (kpt_frozen(fmt, pte))
		return KPT_FROZEN;
	return is_annotation(fmt, pte) ? KPT_ANNOTATION : KPT_ABSENT;
}

static void check_leaf(struct kunit *test, const struct kpt_test_format *f,
		       const struct kpt_vector *v)
{
	const struct kpt_format *fmt = f->format;
	struct kpt_reading r = f->read(v->pte, v->level);

	KUNIT_EXPECT_EQ_MSG(test, r.perms, v->prot & KPT_PERMS, "%llx", v->pte);
	KUNIT_EXPECT_EQ_MSG(test, r.type, v->prot & KPT_NO_TYPE, "%llx", v->pte);
	KUNIT_EXPECT_EQ_MSG(test, fmt->perms(v->pte), v->prot & KPT_PERMS, "%llx", v->pte);
	KUNIT_EXPECT_EQ_MSG(test, !!(v->pte & fmt->accessed), !!(v->flags & YOUNG), "%llx", v->pte);
	KUNIT_EXPECT_EQ_MSG(test, !!(v->pte & fmt->dirty), !!(v->flags & DIRTY), "%llx", v->pte);
	KUNIT_EXPECT_EQ_MSG(test, kpt_writable(fmt, v->pte), r.writable, "%llx", v->pte);
	if (v->flags & MADE)
		KUNIT_EXPECT_EQ(test, v->pte,
				kpt_leaf(fmt, v->oa, fmt->attrs(v->prot, v->features), v->level));
}

static void check_vector(struct kunit *test, const struct kpt_test_format *f,
			 const struct kpt_vector *v)
{
	const struct kpt_format *fmt = f->format;

	if (v->kind == KPT_RESERVED) {
		KUNIT_EXPECT_TRUE_MSG(test, kpt_present(fmt, v->pte), "%llx", v->pte);
		KUNIT_EXPECT_TRUE_MSG(test, fmt->reserved(v->pte, v->level),
				      "%llx at level %d", v->pte, v->level);
		return;
	}

	KUNIT_EXPECT_EQ_MSG(test, kind_by_format(fmt, v->pte, v->level), v->kind,
			    "%llx at level %d", v->pte, v->level);
	if (v->kind != KPT_LEAF && v->kind != KPT_TABLE)
		return;

	KUNIT_EXPECT_EQ_MSG(test, f->read(v->pte, v->level).kind, v->kind, "%llx", v->pte);
	KUNIT_EXPECT_EQ_MSG(test, f->read(v->pte, v->level).oa, v->oa, "%llx", v->pte);
	KUNIT_EXPECT_EQ_MSG(test, kpt_oa(fmt, v->pte), v->oa, "%llx", v->pte);
	KUNIT_EXPECT_FALSE_MSG(test, fmt->reserved(v->pte, v->level),
			       "%llx at level %d", v->pte, v->level);
	if (v->kind == KPT_LEAF)
		check_leaf(test, f, v);
	else if (v->flags & MADE)
		KUNIT_EXPECT_EQ(test, v->pte, kpt_table(fmt, v->oa));
}

static void literals(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);

	KUNIT_EXPECT_GE(test, f->count, 30);
	for (unsigned int i = 0; i < f->count; i++)
		check_vector(test, f, &f->vectors[i]);
}

static void round_trip_leaf(struct kunit *test, const struct kpt_test_format *f,
			    u64 oa, unsigned int prot, unsigned int features, int level)
{
	const struct kpt_format *fmt = f->format;
	u64 attrs = fmt->attrs(prot, features);
	u64 pte = kpt_leaf(fmt, oa, attrs, level);
	struct kpt_reading r = f->read(pte, level);

	KUNIT_EXPECT_EQ_MSG(test, r.kind, KPT_LEAF, "%llx", pte);
	KUNIT_EXPECT_TRUE_MSG(test, r.valid && !fmt->reserved(pte, level), "%llx", pte);
	KUNIT_EXPECT_EQ_MSG(test, r.oa, oa, "%llx", pte);
	KUNIT_EXPECT_EQ_MSG(test, r.perms | r.type, prot, "%llx", pte);
	KUNIT_EXPECT_TRUE_MSG(test, kpt_is_leaf(fmt, pte, level), "%llx", pte);
	KUNIT_EXPECT_EQ_MSG(test, kpt_oa(fmt, pte), oa, "%llx", pte);
	KUNIT_EXPECT_EQ_MSG(test, fmt->perms(pte), prot & KPT_PERMS, "%llx", pte);
	KUNIT_EXPECT_EQ_MSG(test, kpt_leaf_attrs(fmt, pte), attrs, "%llx", pte);
}

static void round_trip_table(struct kunit *test, const struct kpt_test_format *f, u64 pa, int level)
{
	const struct kpt_format *fmt = f->format;
	u64 pte = kpt_table(fmt, pa);
	struct kpt_reading r = f->read(pte, level);

	KUNIT_EXPECT_EQ_MSG(test, r.kind, KPT_TABLE, "%llx", pte);
	KUNIT_EXPECT_TRUE_MSG(test, r.valid && !fmt->reserved(pte, level), "%llx", pte);
	KUNIT_EXPECT_EQ_MSG(test, r.oa, pa, "%llx", pte);
	KUNIT_EXPECT_TRUE_MSG(test, kpt_is_table(fmt, pte, level), "%llx", pte);
	KUNIT_EXPECT_EQ_MSG(test, kpt_oa(fmt, pte), pa, "%llx", pte);
}

/* Always readable, as some formats require; KPT_X and KPT_UX differ only if supported. */
static unsigned int some_prot(const struct kpt_test_format *f, unsigned int features, u32 random)
{
	static const unsigned int types[] = { 0, KPT_DEVICE, KPT_NC };
	unsigned int prot = KPT_R | (random & KPT_PERMS) | types[(random >> 8) % ARRAY_SIZE(types)];

	if (!f->split_exec || f->exec_feature & ~features)
		prot = prot & KPT_X ? prot | KPT_UX : prot & ~KPT_UX;
	return prot;
}

static void round_trip_at(struct kunit *test, const struct kpt_test_format *f,
			  struct rnd_state *rnd, u64 address, int level)
{
	u64 limit = f->oa_bits == 64 ? -1ULL : (1ULL << f->oa_bits) - 1;
	unsigned int features = prandom_u32_state(rnd) % (2 * KPT_FEAT_XNX);
	u64 oa = address & limit & ~((1ULL << f->shifts[level]) - 1);

	if (may_map(f, level))
		round_trip_leaf(test, f, oa, some_prot(f, features, prandom_u32_state(rnd)),
				features, level);
	if (level)
		round_trip_table(test, f, address & limit & ~((1ULL << f->shifts[0]) - 1), level);
}

static void round_trips(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);
	struct rnd_state rnd;

	start_random(test, &rnd);
	for (int level = 0; level < f->levels; level++) {
		for (int n = 0; n < 64; n++) {
			round_trip_at(test, f, &rnd, 1ULL << n, level);
			round_trip_at(test, f, &rnd, -1ULL << n, level);
			round_trip_at(test, f, &rnd, ~(-1ULL << n), level);
		}
		for (int i = 0; i < ROUNDS; i++)
			round_trip_at(test, f, &rnd, random_u64(&rnd), level);
	}
}

static void recognize(struct kunit *test, const struct kpt_test_format *f, u64 pte, int level)
{
	const struct kpt_format *fmt = f->format;
	struct kpt_reading r = f->read(pte, level);
	int kinds = kpt_is_table(fmt, pte, level) + kpt_is_leaf(fmt, pte, level) +
		    is_annotation(fmt, pte) + kpt_frozen(fmt, pte) + (pte == fmt->empty);

	KUNIT_EXPECT_EQ_MSG(test, kinds, 1, "%llx at level %d", pte, level);
	KUNIT_EXPECT_EQ_MSG(test, kpt_is_table(fmt, pte, level), r.kind == KPT_TABLE,
			    "%llx at level %d", pte, level);
	KUNIT_EXPECT_EQ_MSG(test, kpt_is_leaf(fmt, pte, level), r.kind == KPT_LEAF,
			    "%llx at level %d", pte, level);
}

/* Table, leaf, annotation, frozen and empty are mutually exclusive. */
static void recognition(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);
	struct rnd_state rnd;

	start_random(test, &rnd);
	for (int level = 0; level < f->levels; level++) {
		KUNIT_EXPECT_FALSE(test, f->read(f->format->empty, level).valid);
		KUNIT_EXPECT_FALSE(test, f->read(f->format->frozen, level).valid);
		recognize(test, f, f->format->empty, level);
		recognize(test, f, f->format->frozen, level);
		for (int n = 0; n < 64; n++) {
			recognize(test, f, 1ULL << n, level);
			recognize(test, f, ~(1ULL << n), level);
			recognize(test, f, f->format->frozen ^ 1ULL << n, level);
		}
		for (int i = 0; i < ROUNDS; i++)
			recognize(test, f, random_u64(&rnd), level);
	}
}

/* Expected result of kpt_classify() for two leaves, as decoded by hardware. */
static enum kpt_class
leaf_change(const struct kpt_test_format *f, const struct kpt_reading *a,
	    const struct kpt_reading *b)
{
	unsigned int lost = a->perms & ~b->perms;

	if (a->oa != b->oa || a->memory != b->memory)
		return KPT_REMAP;
	if (lost & (KPT_R | KPT_X | KPT_UX))
		return KPT_PROTECT;
	if (a->fast && !b->fast)
		return KPT_PROTECT;
	if (lost)
		return f->format->fast_write && !b->fast ? KPT_PROTECT : KPT_TRACK;
	if (a->dirty && !b->dirty)
		return KPT_TRACK;
	if (b->perms != a->perms)
		return KPT_RELAX;
	if (a->accessed != b->accessed)
		return a->accessed ? KPT_AGE : KPT_YOUNG;
	return KPT_SOFT;
}

static enum kpt_class
expected_change(const struct kpt_test_format *f, u64 old, u64 new,
		const struct kpt_reading *a, const struct kpt_reading *b)
{
	static const enum kpt_class by_kind[3][3] = {
		/* to      absent        table         leaf */
		{ KPT_ANNOTATE, KPT_MAP, KPT_MAP },
		{ KPT_DETACH, KPT_BAD, KPT_COLLAPSE },
		{ KPT_UNMAP, KPT_SPLIT, KPT_NONE },
	};
	int from = a->kind == KPT_LEAF ? 2 : a->kind == KPT_TABLE;
	int to = b->kind == KPT_LEAF ? 2 : b->kind == KPT_TABLE;

	if (old == new)
		return KPT_NONE;
	if (from == 2 && to == 2)
		return leaf_change(f, a, b);
	return by_kind[from][to];
}

static u64 spread(const struct kpt_test_format *f, u32 pattern, int level)
{
	u64 pte = 0;

	for (int i = 0; i < KPT_TEST_BITS; i++)
		if (pattern >> i & 1)
			pte |= 1ULL << f->bits[i];
	return level ? pte : (pte & ~f->page_clear) | f->page_set;
}

/* Unused elements at the end of the list are 0. */
static unsigned int patterns(const struct kpt_test_format *f)
{
	int n = KPT_TEST_BITS;

	while (!f->bits[n - 1])
		n--;
	return 1U << n;
}

static void classify_all(struct kunit *test, const struct kpt_test_format *f, int level,
			 const u64 *ptes, const struct kpt_reading *readings, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int j = 0; j < n; j++) {
			enum kpt_class expected = expected_change(f, ptes[i], ptes[j],
								   &readings[i], &readings[j]);
			enum kpt_class found = kpt_classify(f->format, ptes[i], ptes[j], level);

			if (found != expected) {
				KUNIT_FAIL(test, "%llx to %llx at level %d is %d, not %d",
					   ptes[i], ptes[j], level, found, expected);
				return;
			}
		}
		cond_resched();
	}
}

static void classification(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);
	unsigned int n = patterns(f);
	struct kpt_reading *readings = kunit_kcalloc(test, n, sizeof(*readings), GFP_KERNEL);
	u64 *ptes = kunit_kcalloc(test, n, sizeof(*ptes), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, readings);
	KUNIT_ASSERT_NOT_NULL(test, ptes);
	for (int level = 0; level < 2; level++) {
		for (unsigned int i = 0; i < n; i++) {
			ptes[i] = spread(f, i, level);
			readings[i] = f->read(ptes[i], level);
		}
		classify_all(test, f, level, ptes, readings, n);
	}
}

/* Changing only software bits of a leaf is KPT_SOFT. */
static void software_bits(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);
	const struct kpt_format *fmt = f->format;
	u64 pte = kpt_leaf(fmt, 0, fmt->attrs(KPT_RWX, KPT_FEAT_AD), 0);

	KUNIT_EXPECT_EQ(test, fmt->soft, f->soft);
	for (int n = 0; n < 64; n++) {
		if (!(f->soft >> n & 1))
			continue;
		KUNIT_EXPECT_EQ(test, kpt_classify(fmt, pte & ~BIT_ULL(n), pte | BIT_ULL(n), 0),
				KPT_SOFT);
	}
}

static void frozen_is_no_change(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);
	const struct kpt_format *fmt = f->format;

	for (unsigned int i = 0; i < f->count; i++) {
		const struct kpt_vector *v = &f->vectors[i];

		KUNIT_EXPECT_EQ(test, kpt_classify(fmt, v->pte, fmt->frozen, v->level), KPT_BAD);
		KUNIT_EXPECT_EQ(test, kpt_classify(fmt, fmt->frozen, v->pte, v->level), KPT_BAD);
	}
}

static void rules(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);

	for (int change = 0; change < KPT_CHANGES; change++)
		KUNIT_EXPECT_EQ_MSG(test, kpt_rule(f->format, change), f->rules[change],
				    "change %d", change);

	/* After a race, a fault flushes as for KPT_RELAX, whatever its CPU has cached. */
	KUNIT_EXPECT_FALSE(test, kpt_rule(f->format, KPT_MAP) & ~kpt_rule(f->format, KPT_RELAX) &
				 KPT_FLUSH_LOCAL);
}

/* Hardware or a lockless fault may set a bit that must not get lost. */
static void volatility(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);
	unsigned int n = patterns(f);

	for (unsigned int i = 0; i < n; i++) {
		u64 pte = spread(f, i, 0);
		struct kpt_reading r = f->read(pte, 0);
		bool sets_dirty = f->format->dirty && !r.dirty;

		KUNIT_EXPECT_EQ_MSG(test, kpt_volatile(f->format, pte),
				    r.writable ? sets_dirty : r.fast, "%llx", pte);
	}
}

/* The small entries map the same memory as the block, and yield the same block again. */
static void relevel(struct kunit *test)
{
	const struct kpt_test_format *f = format_of(test);
	const struct kpt_format *fmt = f->format;

	for (unsigned int i = 0; i < f->count; i++) {
		const struct kpt_vector *v = &f->vectors[i];
		int below = v->level - 1;
		struct kpt_reading block = f->read(v->pte, v->level), small;
		u64 first, last;

		if (v->kind != KPT_LEAF || !v->level)
			continue;

		first = kpt_relevel(fmt, v->pte, below);
		last = first + (f->entries - 1) * kpt_oa_bits(fmt, 1ULL << f->shifts[below]);
		small = f->read(last, below);
		KUNIT_EXPECT_EQ(test, f->read(first, below).oa, v->oa);
		KUNIT_EXPECT_EQ(test, small.oa,
				v->oa + ((f->entries - 1ULL) << f->shifts[below]));
		KUNIT_EXPECT_EQ(test, small.kind, KPT_LEAF);
		KUNIT_EXPECT_EQ(test, small.perms, block.perms);
		KUNIT_EXPECT_EQ(test, small.memory, block.memory);
		KUNIT_EXPECT_EQ(test, small.accessed, block.accessed);
		KUNIT_EXPECT_EQ(test, small.dirty, block.dirty);
		KUNIT_EXPECT_FALSE(test, fmt->reserved(last, below));
		KUNIT_EXPECT_EQ(test, kpt_relevel(fmt, last, v->level), v->pte);
	}
}

static struct kunit_case kpt_format_cases[] = {
	KUNIT_CASE_PARAM(geometry, next_format),
	KUNIT_CASE_PARAM(literals, next_format),
	KUNIT_CASE_PARAM(round_trips, next_format),
	KUNIT_CASE_PARAM(recognition, next_format),
	KUNIT_CASE_PARAM_ATTR(classification, next_format, { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM(software_bits, next_format),
	KUNIT_CASE_PARAM(frozen_is_no_change, next_format),
	KUNIT_CASE_PARAM(rules, next_format),
	KUNIT_CASE_PARAM(volatility, next_format),
	KUNIT_CASE_PARAM(relevel, next_format),
	{}
};

static struct kunit_suite kpt_format_suite = {
	.name = "kvm_pgtable_format",
	.test_cases = kpt_format_cases,
};

kunit_test_suite(kpt_format_suite);
