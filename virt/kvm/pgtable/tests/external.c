// SPDX-License-Identifier: GPL-2.0-only
#include "external.h"

enum { NOTHING, LEAF, TABLE };

/* After that many failed changes, assume that the engine retries forever. */
#define ENOUGH	1000

/* Index into &kpt_external.tables. */
static unsigned long table_key(u64 pa)
{
	return pa >> PAGE_SHIFT;
}

static unsigned long position(struct kpt_test *t, u64 ia, int level)
{
	return ia >> kpt_shift(t->config->format, level);
}

static unsigned long table_place(struct kpt_test *t, u64 ia, int level)
{
	return position(t, ia, level) * KPT_MAX_LEVELS + level;
}

static unsigned long at(struct kpt_test *t, u64 ia, int level)
{
	void *entry = xa_load(&t->external->entries[level], position(t, ia, level));

	return entry ? xa_to_value(entry) : NOTHING;
}

static void put(struct kpt_test *t, u64 ia, int level, unsigned long what)
{
	struct kpt_external *x = t->external;
	unsigned long was = at(t, ia, level);

	x->leaves += (what == LEAF) - (was == LEAF);
	x->table_count += (what == TABLE) - (was == TABLE);
	if (what == NOTHING)
		xa_erase(&x->entries[level], position(t, ia, level));
	else if (xa_err(xa_store(&x->entries[level], position(t, ia, level),
				 xa_mk_value(what), GFP_ATOMIC)))
		kpt_test_report(t, "out of memory for the external tables");
}

/* The entry, or one above it, must be frozen while the external tables change. */
static void check_frozen(struct kpt_test *t, u64 ia, int level)
{
	struct kpt_call c = {
		.op = KPT_OP_LOOKUP,
		.tree = &t->tree,
		.start = ia,
		.end = ia + kpt_span(t->config->format, 0),
		.shared = true,
	};
	long found = t->config->run(&c);

	if (found < level || !kpt_frozen(t->config->format, c.ptes[found]))
		kpt_test_report(t, "mirror: %#llx is not frozen at level %d, found %#llx at %ld",
				ia, level, c.ptes[found], found);
}

static bool any_below(struct kpt_test *t, u64 ia, int level)
{
	unsigned long first = position(t, ia, level - 1);
	unsigned long last = first + kpt_entries(t->config->format) - 1;

	return xa_find(&t->external->entries[level - 1], &first, last, XA_PRESENT);
}

static void put_table(struct kpt_test *t, u64 ia, int level, kpt_pte_t new, bool split)
{
	const struct kpt_format *fmt = t->config->format;
	unsigned long where = table_place(t, ia, level);

	put(t, ia, level, TABLE);
	xa_store(&t->external->tables, table_key(kpt_oa(fmt, new)), xa_mk_value(where), GFP_ATOMIC);
	for (unsigned int i = 0; split && i < kpt_entries(fmt); i++)
		put(t, ia + i * kpt_span(fmt, level - 1), level - 1, LEAF);
}

static void check_set(struct kpt_test *t, u64 ia, int level, kpt_pte_t old, kpt_pte_t new)
{
	const struct kpt_format *fmt = t->config->format;
	unsigned long was = at(t, ia, level);

	check_frozen(t, ia, level);
	if (level < t->tree.top && at(t, ia, level + 1) != TABLE)
		kpt_test_report(t, "mirror: %#llx changes at level %d without a table", ia, level);
	if (was == TABLE)
		kpt_test_report(t, "mirror: %#llx changes at level %d, but is a table", ia, level);
	if (kpt_is_leaf(fmt, old, level) ? was != LEAF : was == LEAF)
		kpt_test_report(t, "mirror: %#llx was type %lu, but the engine passed %#llx", ia,
				was, old);
	if (kpt_is_table(fmt, new, level) && any_below(t, ia, level))
		kpt_test_report(t, "mirror: %#llx is linked, but already has children", ia);
}

static void free_table(struct kpt_test *t, u64 pa)
{
	void *where = xa_erase(&t->external->tables, table_key(pa));
	int level;
	u64 ia;

	if (!where) {
		kpt_test_report(t, "mirror: freeing a table that was never linked");
		return;
	}
	level = xa_to_value(where) % KPT_MAX_LEVELS;
	ia = (u64)(xa_to_value(where) / KPT_MAX_LEVELS) << kpt_shift(t->config->format, level);
	if (any_below(t, ia, level))
		kpt_test_report(t, "mirror: the table at %#llx is freed before its children", ia);
	check_frozen(t, ia, level);
	put(t, ia, level, NOTHING);
}

int kpt_external_set(struct kpt_tree *tree, u64 ia, int level, kpt_pte_t old, kpt_pte_t new)
{
	struct kpt_test *t = container_of(tree, struct kpt_test, tree);
	const struct kpt_format *fmt = t->config->format;
	struct kpt_trap *refuse = &t->external->refuse;

	kpt_test_step(t);
	if (kpt_is_table(fmt, old, level)) {
		free_table(t, kpt_oa(fmt, old));
		return 0;
	}
	check_set(t, ia, level, old, new);
	if (++refuse->seen > ENOUGH && refuse->every)
		kpt_test_report(t, "invariant 6: the change of %#llx is retried forever", ia);
	else if (refuse->seen == refuse->at || (refuse->every && refuse->seen > refuse->at))
		return t->external->error ?: -EIO;

	if (kpt_is_table(fmt, new, level))
		put_table(t, ia, level, new, kpt_present(fmt, old));
	else
		put(t, ia, level, kpt_present(fmt, new) ? LEAF : NOTHING);
	return 0;
}

static void expect_entry(struct kpt_test *t, u64 ia, int level, kpt_pte_t pte, void *arg)
{
	const struct kpt_format *fmt = t->config->format;
	unsigned long want = kpt_is_table(fmt, pte, level) ? TABLE :
			     kpt_present(fmt, pte) ? LEAF : NOTHING;

	if (at(t, ia, level) != want)
		kpt_test_report(t, "mirror: %#llx is type %lu at level %d, the mirror has %#llx",
				ia, at(t, ia, level), level, pte);
}

/* Verify that there are the same leaves and tables as in the mirror. */
void kpt_external_compare(struct kpt_test *t)
{
	long leaves = 0, tables = 0;

	kpt_test_read(t, expect_entry, NULL);
	for (int level = 0; level < KPT_MAX_LEVELS; level++) {
		leaves += atomic_long_read(&t->leaves[level]);
		tables += atomic_long_read(&t->tables[level]);
	}
	if (leaves != t->external->leaves || tables != t->external->table_count)
		kpt_test_report(t, "mirror: %ld leaves and %ld tables, the mirror has %ld and %ld",
				t->external->leaves, t->external->table_count, leaves, tables);
}

void kpt_external_forget(struct kpt_test *t, u64 ia, int tables)
{
	struct kpt_external *x = t->external;
	unsigned long key = 0;
	void *where;

	for (int level = 0; level <= tables; level++)
		put(t, ia, level, NOTHING);
	for (; (where = xa_find(&x->tables, &key, ULONG_MAX, XA_PRESENT)); key++)
		for (int level = 1; level <= tables; level++)
			if (xa_to_value(where) == table_place(t, ia, level))
				xa_erase(&x->tables, key);
}

void kpt_external_start(struct kpt_test *t, struct kpt_external *x)
{
	memset(x, 0, sizeof(*x));
	for (int level = 0; level < KPT_MAX_LEVELS; level++)
		xa_init(&x->entries[level]);
	xa_init(&x->tables);
	t->external = x;
	t->tree.external = true;
}

void kpt_external_finish(struct kpt_test *t)
{
	t->external->refuse.at = 0;
	kpt_test_finish(t);
	KUNIT_EXPECT_EQ(t->kunit, t->external->leaves, 0);
	KUNIT_EXPECT_EQ(t->kunit, t->external->table_count, 0);
	for (int level = 0; level < KPT_MAX_LEVELS; level++)
		xa_destroy(&t->external->entries[level]);
	xa_destroy(&t->external->tables);
}
