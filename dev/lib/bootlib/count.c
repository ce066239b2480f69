// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU's TCG: counts the instructions that a machine of one CPU executes between
 * given addresses, in a file that the machine has mapped, so that a program in it can read the
 * count at any time: counter=FILE,ranges=FILE, of which the latter has two numbers in a line.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))
#define MAX_RANGES 4096

/* What is used here of QEMU's interface for plugins, whose header Debian does not package. */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CB_READS_NO_REGISTERS };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin,
					   void (*cb)(uint64_t plugin, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int cpu, void *data), int flags,
					  void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 2;

/* In rising order. */
static struct range {
	uint64_t start, end;
} ranges[MAX_RANGES];
static size_t nr_ranges;
static volatile uint64_t *counter;

static int compare_address(const void *address, const void *range)
{
	uint64_t sought = *(const uint64_t *)address;
	const struct range *candidate = range;

	if (sought < candidate->start)
		return -1;
	return sought >= candidate->end;
}

static void count(unsigned int cpu, void *instructions)
{
	*counter += (uintptr_t)instructions;
}

static void look_at_block(uint64_t plugin, struct qemu_plugin_tb *tb)
{
	uintptr_t instructions = 0;

	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		uint64_t address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i));

		instructions += !!bsearch(&address, ranges, nr_ranges, sizeof(*ranges),
					  compare_address);
	}
	if (instructions)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, count, CB_READS_NO_REGISTERS,
						     (void *)instructions);
}

static bool read_ranges(const char *path)
{
	FILE *file = fopen(path, "r");
	struct range *next = ranges;

	if (!file)
		return false;
	while (next < ranges + MAX_RANGES &&
	       fscanf(file, "%lx %lx", &next->start, &next->end) == 2)
		next++;
	nr_ranges = next - ranges;
	return fgetc(file) == EOF && !fclose(file) && nr_ranges;
}

static bool map_counter(const char *path)
{
	int file = open(path, O_RDWR);

	if (file < 0)
		return false;
	counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	return counter != MAP_FAILED;
}

static const char *value_of(const char *name, int argc, char **argv)
{
	size_t length = strlen(name);

	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], name, length) && argv[i][length] == '=')
			return argv[i] + length + 1;
	}
	return "";
}

EXPORT int qemu_plugin_install(uint64_t plugin, const void *info, int argc, char **argv)
{
	if (!read_ranges(value_of("ranges", argc, argv)) ||
	    !map_counter(value_of("counter", argc, argv))) {
		fprintf(stderr, "count: the ranges or the counter cannot be read\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(plugin, look_at_block);
	return 0;
}
