/* SPDX-License-Identifier: GPL-2.0-only */
/* KUnit in user space: what the suites of virt/kvm/pgtable/tests use of it. */
#ifndef __KVM_PGTABLE_KUNIT_TEST_H
#define __KVM_PGTABLE_KUNIT_TEST_H

#include <stdarg.h>
#include <stdio.h>

#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#define KUNIT_PARAM_DESC_SIZE	128

struct kunit_resource;

struct kunit {
	const char *name;
	const void *param_value;
	void *priv;
	bool failed;
	bool skipped;
	struct kunit_resource *resources;
};

struct kunit_attributes {
	unsigned int speed;
};

#define KUNIT_SPEED_SLOW	1

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(struct kunit *test, const void *prev, char *desc);
	struct kunit_attributes attr;
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
	struct kunit_suite *next;
};

#define KUNIT_CASE(run)				{ .run_case = run, .name = #run }
#define KUNIT_CASE_PARAM(run, params) \
	{ .run_case = run, .name = #run, .generate_params = params }
#define KUNIT_CASE_PARAM_ATTR(run, params, attributes) \
	{ .run_case = run, .name = #run, .generate_params = params, .attr = attributes }

void kpt_add_suite(struct kunit_suite *suite);

#define kunit_test_suite(suite)							\
static __attribute__((constructor)) void __add_##suite(void)			\
{										\
	kpt_add_suite(&suite);							\
}

__printf(2, 3) void kunit_info(struct kunit *test, const char *format, ...);

/* Memory and actions that the end of a test frees and takes, in reverse order. */
int kunit_add_action_or_reset(struct kunit *test, void (*action)(void *data), void *data);
void *kunit_kcalloc(struct kunit *test, size_t count, size_t size, gfp_t gfp);
#define kunit_kzalloc(test, size, gfp)	kunit_kcalloc(test, 1, size, gfp)

__printf(2, 3) __noreturn void kunit_skip(struct kunit *test, const char *format, ...);
__noreturn void kunit_abort(struct kunit *test);
__printf(4, 5)
void kunit_fail(struct kunit *test, const char *file, int line, const char *format, ...);

#define __kunit_fail(test, ...)		kunit_fail(test, __FILE__, __LINE__, __VA_ARGS__)
#define KUNIT_FAIL(test, ...)		__kunit_fail(test, "" __VA_ARGS__)
#define KUNIT_FAIL_AND_ABORT(test, ...)	(KUNIT_FAIL(test, __VA_ARGS__), kunit_abort(test))

/* Whether it held; of two numbers, what they are. */
#define __kunit_compare(test, left, op, right, text, ...)			\
({										\
	typeof(left) __left = (left);						\
	typeof(right) __right = (right);					\
	bool __holds = __left op __right;					\
										\
	if (!__holds)								\
		__kunit_fail(test, "%s, but they are %lld (%#llx) and %lld (%#llx) " text, \
			     #left " " #op " " #right, (long long)__left, (long long)__left, \
			     (long long)__right, (long long)__right, ##__VA_ARGS__); \
	__holds;								\
})

#define __kunit_true(test, condition, text, ...)				\
({										\
	bool __holds = (condition);						\
										\
	if (!__holds)								\
		__kunit_fail(test, "%s, but it is not " text, #condition, ##__VA_ARGS__); \
	__holds;								\
})

#define __kunit_assert(test, holds)	do { if (!(holds)) kunit_abort(test); } while (0)

#define KUNIT_EXPECT_EQ_MSG(test, a, b, ...)	__kunit_compare(test, a, ==, b, __VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(test, a, b, ...)	__kunit_compare(test, a, !=, b, __VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(test, a, b, ...)	__kunit_compare(test, a, <, b, __VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(test, a, b, ...)	__kunit_compare(test, a, <=, b, __VA_ARGS__)
#define KUNIT_EXPECT_GT_MSG(test, a, b, ...)	__kunit_compare(test, a, >, b, __VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(test, a, b, ...)	__kunit_compare(test, a, >=, b, __VA_ARGS__)
#define KUNIT_EXPECT_TRUE_MSG(test, c, ...)	__kunit_true(test, c, __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(test, c, ...)	__kunit_true(test, !(c), __VA_ARGS__)

#define KUNIT_EXPECT_EQ(test, a, b)		KUNIT_EXPECT_EQ_MSG(test, a, b, "")
#define KUNIT_EXPECT_NE(test, a, b)		KUNIT_EXPECT_NE_MSG(test, a, b, "")
#define KUNIT_EXPECT_LT(test, a, b)		KUNIT_EXPECT_LT_MSG(test, a, b, "")
#define KUNIT_EXPECT_LE(test, a, b)		KUNIT_EXPECT_LE_MSG(test, a, b, "")
#define KUNIT_EXPECT_GT(test, a, b)		KUNIT_EXPECT_GT_MSG(test, a, b, "")
#define KUNIT_EXPECT_GE(test, a, b)		KUNIT_EXPECT_GE_MSG(test, a, b, "")
#define KUNIT_EXPECT_TRUE(test, c)		KUNIT_EXPECT_TRUE_MSG(test, c, "")
#define KUNIT_EXPECT_FALSE(test, c)		KUNIT_EXPECT_FALSE_MSG(test, c, "")
#define KUNIT_EXPECT_NULL(test, p)		KUNIT_EXPECT_TRUE(test, (p) == NULL)
#define KUNIT_EXPECT_NOT_NULL(test, p)		KUNIT_EXPECT_TRUE(test, (p) != NULL)
#define KUNIT_EXPECT_STREQ(test, a, b)		KUNIT_EXPECT_TRUE(test, !strcmp(a, b))
#define KUNIT_EXPECT_PTR_EQ(test, a, b) \
	KUNIT_EXPECT_EQ(test, (unsigned long)(a), (unsigned long)(b))

#define KUNIT_ASSERT_EQ(test, a, b)	__kunit_assert(test, KUNIT_EXPECT_EQ(test, a, b))
#define KUNIT_ASSERT_NE(test, a, b)	__kunit_assert(test, KUNIT_EXPECT_NE(test, a, b))
#define KUNIT_ASSERT_LT(test, a, b)	__kunit_assert(test, KUNIT_EXPECT_LT(test, a, b))
#define KUNIT_ASSERT_LE(test, a, b)	__kunit_assert(test, KUNIT_EXPECT_LE(test, a, b))
#define KUNIT_ASSERT_GT(test, a, b)	__kunit_assert(test, KUNIT_EXPECT_GT(test, a, b))
#define KUNIT_ASSERT_GE(test, a, b)	__kunit_assert(test, KUNIT_EXPECT_GE(test, a, b))
#define KUNIT_ASSERT_TRUE(test, c)	__kunit_assert(test, KUNIT_EXPECT_TRUE(test, c))
#define KUNIT_ASSERT_FALSE(test, c)	__kunit_assert(test, KUNIT_EXPECT_FALSE(test, c))
#define KUNIT_ASSERT_NOT_NULL(test, p)	__kunit_assert(test, KUNIT_EXPECT_NOT_NULL(test, p))

#endif
