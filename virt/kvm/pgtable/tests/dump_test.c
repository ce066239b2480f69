// SPDX-License-Identifier: GPL-2.0-only
/* Tests of dumps: one line for each range of similar entries. */
#include <linux/seq_file.h>

#include "env.h"

#define SIZE	1024

struct kpt_dumping {
	struct kpt_test *t;
	const struct kpt_format *fmt;
	struct seq_file m;
	u64 page;
	u64 middle;
};

static struct kpt_dumping start(struct kunit *test)
{
	struct kpt_dumping d = { .t = kpt_test_start(test, test->param_value) };

	d.fmt = d.t->config->format;
	d.page = kpt_span(d.fmt, 0);
	d.middle = kpt_span(d.fmt, 1);
	d.m.size = SIZE;
	d.m.buf = kunit_kzalloc(test, SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, d.m.buf);
	return d;
}

static void run(struct kpt_dumping *d, struct kpt_call c)
{
	c.end = c.end ?: c.start + d->page;
	KUNIT_EXPECT_EQ(d->t->kunit, kpt_test_run(d->t, &c), 0);
}

static void map(struct kpt_dumping *d, u64 first, u64 end, unsigned int prot)
{
	run(d, (struct kpt_call) {
		.op = KPT_OP_MAP,
		.start = first,
		.end = end,
		.oa = first,
		.value = d->fmt->attrs(prot, d->t->config->features),
	});
}

static char *dump_from(struct kpt_dumping *d, u64 first)
{
	d->m.count = 0;
	memset(d->m.buf, 0, SIZE);
	run(d, (struct kpt_call) {
		.op = KPT_OP_DUMP,
		.start = first,
		.end = kpt_tree_end(&d->t->tree),
		.shared = true,
		.arg = &d->m,
	});
	return d->m.buf;
}

static char *dump(struct kpt_dumping *d)
{
	return dump_from(d, 0);
}

/* Consume the next line, which must start with the given fields. */
static void expect_level(struct kpt_dumping *d, char **text, u64 first, u64 end, int level,
			 const char *what)
{
	char want[100], *line = strsep(text, "\n");

	snprintf(want, sizeof(want), "0x%016llx-0x%016llx %12lluK level %d %s", first, end,
		 (end - first) >> 10, level, what);
	KUNIT_ASSERT_NOT_NULL(d->t->kunit, line);
	KUNIT_EXPECT_EQ_MSG(d->t->kunit, strncmp(line, want, strlen(want)), 0, "%s, not %s", line,
			    want);
}

static void expect_line(struct kpt_dumping *d, char **text, u64 first, u64 end, const char *what)
{
	expect_level(d, text, first, end, 0, what);
}

static void prints_nothing_of_nothing(struct kunit *test)
{
	struct kpt_dumping d = start(test);

	KUNIT_EXPECT_STREQ(test, dump(&d), "");
	kpt_test_finish(d.t);
}

static void merges_what_is_alike(struct kunit *test)
{
	struct kpt_dumping d = start(test);
	char *text;

	map(&d, d.middle - d.page, d.middle + 2 * d.page, KPT_RWX);
	map(&d, d.middle + 2 * d.page, d.middle + 3 * d.page, KPT_R);
	map(&d, d.middle + 4 * d.page, d.middle + 5 * d.page, KPT_R);
	text = dump(&d);
	expect_line(&d, &text, d.middle - d.page, d.middle + 2 * d.page, "RW");
	expect_line(&d, &text, d.middle + 2 * d.page, d.middle + 3 * d.page, "R-");
	expect_line(&d, &text, d.middle + 4 * d.page, d.middle + 5 * d.page, "R-");
	KUNIT_EXPECT_STREQ(test, text, "");
	kpt_test_finish(d.t);
}

static void prints_annotations(struct kunit *test)
{
	struct kpt_dumping d = start(test);
	u64 note = d.fmt->empty | BIT_ULL(__ffs64(d.fmt->soft));
	char want[40], *text;

	run(&d, (struct kpt_call) { .op = KPT_OP_ANNOTATE, .start = d.page, .value = note });
	text = dump(&d);
	snprintf(want, sizeof(want), "annotation 0x%016llx", note);
	expect_line(&d, &text, d.page, 2 * d.page, want);
	KUNIT_EXPECT_STREQ(test, text, "");
	kpt_test_finish(d.t);
}

/* Pages may be collapsed into a block after some of them were printed. */
static void goes_on_within_a_block(struct kunit *test)
{
	struct kpt_dumping d = start(test);
	u64 end = 2 * d.middle;
	char *text;

	run(&d, (struct kpt_call) {
		.op = KPT_OP_MAP,
		.start = d.middle,
		.end = end,
		.oa = d.middle,
		.level = 1,
		.value = d.fmt->attrs(KPT_R, d.t->config->features),
	});
	map(&d, end, end + d.page, KPT_R);
	text = dump_from(&d, end - d.page);
	expect_level(&d, &text, end - d.page, end, 1, "R-");
	expect_line(&d, &text, end, end + d.page, "R-");
	KUNIT_EXPECT_STREQ(test, text, "");
	kpt_test_finish(d.t);
}

static struct kunit_case dump_cases[] = {
	KUNIT_CASE_PARAM(prints_nothing_of_nothing, kpt_next_config),
	KUNIT_CASE_PARAM(merges_what_is_alike, kpt_next_config),
	KUNIT_CASE_PARAM(prints_annotations, kpt_next_config),
	KUNIT_CASE_PARAM(goes_on_within_a_block, kpt_next_config),
	{}
};

static struct kunit_suite dump_suite = {
	.name = "kvm_pgtable_dump",
	.test_cases = dump_cases,
};

kunit_test_suite(dump_suite);
