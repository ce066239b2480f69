// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run the suites that are linked in, like KUnit, and print KTAP.  Parameters are the same
 * as for the kernel: kunit.filter_glob=SUITE[.TEST], kunit.action=list and those of the
 * suites.
 */
#include <fnmatch.h>
#include <setjmp.h>
#include <stdlib.h>

#include <kunit/test.h>
#include <linux/moduleparam.h>

struct kunit_resource {
	struct kunit_resource *next;
	void (*action)(void *data);
	void *data;
};

enum result { PASSED, FAILED, SKIPPED, RESULTS };

static struct kunit_suite *suites;
static struct kernel_param *params;
static const char *wanted_suite = "*", *wanted_test = "*";
static bool only_list;
static unsigned int rows[RESULTS];
static unsigned int warnings;
static jmp_buf after_test;

void kpt_add_suite(struct kunit_suite *suite)
{
	struct kunit_suite **last = &suites;

	while (*last)
		last = &(*last)->next;
	*last = suite;
}

void kpt_add_param(struct kernel_param *param)
{
	param->next = params;
	params = param;
}

bool kpt_warn(bool condition, const char *what, const char *file, int line)
{
	if (condition) {
		printf("WARNING: %s at %s:%d\n", what, file, line);
		__atomic_fetch_add(&warnings, 1, __ATOMIC_RELAXED);
	}
	return condition;
}

/* Resources */

int kunit_add_action_or_reset(struct kunit *test, void (*action)(void *data), void *data)
{
	struct kunit_resource *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	*r = (struct kunit_resource) { .next = test->resources, .action = action, .data = data };
	test->resources = r;
	return 0;
}

void *kunit_kcalloc(struct kunit *test, size_t count, size_t size, gfp_t gfp)
{
	void *memory = calloc(count, size);

	if (memory)
		kunit_add_action_or_reset(test, free, memory);
	return memory;
}

static void release_resources(struct kunit *test)
{
	struct kunit_resource *r;

	while ((r = test->resources)) {
		test->resources = r->next;
		r->action(r->data);
		free(r);
	}
}

/* The end of a test */

void kunit_abort(struct kunit *test)
{
	longjmp(after_test, 1);
}

void kunit_skip(struct kunit *test, const char *format, ...)
{
	test->skipped = true;
	kunit_abort(test);
}

/* Print a line, and add the newline if it is missing, like the kernel's log. */
static void print_line(const char *format, va_list args)
{
	size_t length = strlen(format);

	vprintf(format, args);
	if (!length || format[length - 1] != '\n')
		printf("\n");
}

void kunit_info(struct kunit *test, const char *format, ...)
{
	va_list args;

	printf("    # %s: ", test->name);
	va_start(args, format);
	print_line(format, args);
	va_end(args);
}

void kunit_fail(struct kunit *test, const char *file, int line, const char *format, ...)
{
	va_list args;

	test->failed = true;
	printf("    # %s: EXPECTATION FAILED at %s:%d\n    ", test->name, file, line);
	va_start(args, format);
	print_line(format, args);
	va_end(args);
}

static enum result result_of(const struct kunit *test)
{
	return test->failed ? FAILED : test->skipped ? SKIPPED : PASSED;
}

/* Parameters */

static enum result run_row(struct kunit *test, const struct kunit_case *c)
{
	unsigned int warned = warnings;

	if (!setjmp(after_test))
		c->run_case(test);
	rcu_barrier();
	release_resources(test);
	test->failed |= warnings != warned;
	return result_of(test);
}

static void print_result(const char *indent, enum result result, unsigned int number,
			 const char *name)
{
	printf("%s%s %u %s%s\n", indent, result == FAILED ? "not ok" : "ok", number, name,
	       result == SKIPPED ? " # SKIP" : "");
	fflush(stdout);
}

static enum result run_params(const struct kunit_case *c)
{
	char name[KUNIT_PARAM_DESC_SIZE] = "";
	enum result all = PASSED, result;
	const void *param = NULL;
	unsigned int number = 0;

	printf("        KTAP version 1\n        # Subtest: %s\n", c->name);
	while ((param = c->generate_params(NULL, param, name))) {
		struct kunit test = { .name = c->name, .param_value = param };

		result = run_row(&test, c);
		rows[result]++;
		print_result("        ", result, ++number, name);
		if (result == FAILED)
			all = FAILED;
	}
	return all;
}

static enum result run_case(const struct kunit_case *c)
{
	struct kunit test = { .name = c->name };
	enum result result;

	if (c->generate_params)
		return run_params(c);

	result = run_row(&test, c);
	rows[result]++;
	return result;
}

static bool run_suite(const struct kunit_suite *suite, unsigned int suite_number)
{
	unsigned int number = 0, failed = 0;

	for (const struct kunit_case *c = suite->test_cases; c->run_case; c++) {
		enum result result;

		if (fnmatch(wanted_test, c->name, 0))
			continue;
		number++;
		if (only_list) {
			printf("%s.%s\n", suite->name, c->name);
			continue;
		}
		if (number == 1)
			printf("    KTAP version 1\n    # Subtest: %s\n", suite->name);
		result = run_case(c);
		print_result("    ", result, number, c->name);
		failed += result == FAILED;
	}
	if (number && !only_list)
		print_result("", failed ? FAILED : PASSED, suite_number, suite->name);
	return number;
}

/* The command line */

static bool set_param(const char *name, const char *value)
{
	for (struct kernel_param *p = params; p; p = p->next) {
		if (strcmp(name, p->name))
			continue;
		if (!strcmp(p->type, "charp"))
			*(const char **)p->value = value;
		else if (!strcmp(p->type, "uint"))
			*(unsigned int *)p->value = strtoul(value, NULL, 0);
		else
			*(unsigned long *)p->value = strtoul(value, NULL, 0);
		return true;
	}
	return false;
}

static void set_filter(char *glob)
{
	char *dot = strchr(glob, '.');

	if (dot) {
		*dot = 0;
		wanted_test = dot + 1;
	}
	wanted_suite = glob;
}

static void parse(char *argument)
{
	char *value = strchr(argument, '=');

	if (value) {
		*value++ = 0;
		if (!strcmp(argument, "kunit.filter_glob")) {
			set_filter(value);
			return;
		}
		if (!strcmp(argument, "kunit.action")) {
			only_list = !strcmp(value, "list");
			return;
		}
		if (set_param(argument, value))
			return;
	}
	fprintf(stderr, "%s: no such parameter\n", argument);
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned int number = 0;

	for (int i = 1; i < argc; i++)
		parse(argv[i]);

	if (!only_list)
		printf("KTAP version 1\n");
	for (const struct kunit_suite *suite = suites; suite; suite = suite->next)
		if (!fnmatch(wanted_suite, suite->name, 0))
			number += run_suite(suite, number + 1);
	if (!number) {
		fprintf(stderr, "%s.%s: no test has such a name\n", wanted_suite, wanted_test);
		return 2;
	}
	if (only_list)
		return 0;
	printf("# Totals: pass:%u fail:%u skip:%u total:%u\n", rows[PASSED], rows[FAILED],
	       rows[SKIPPED], rows[PASSED] + rows[FAILED] + rows[SKIPPED]);
	return rows[FAILED] || warnings;
}
