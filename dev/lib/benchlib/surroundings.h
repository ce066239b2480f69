/* SPDX-License-Identifier: GPL-2.0-only */
/* What kernel objects of a benchmark share: tables come from one pool, whose pages have structs. */
#ifndef __BENCH_SURROUNDINGS_H
#define __BENCH_SURROUNDINGS_H

#include <linux/types.h>

#include "bench.h"

/* A table as bench_refill() left it, each of its entries empty. */
void *bench_take(void);
void bench_give(void *table);

static inline void bench_demand(bool fact, const char *otherwise)
{
	if (unlikely(!fact))
		bench_die(otherwise);
}

#endif /* __BENCH_SURROUNDINGS_H */
