/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accessors for live page-table entries.  No other code reads or writes them, and
 * commit.h decides which accessor a change needs.  All accesses are single-copy
 * atomic: a concurrent reader sees the old or the new value, never a mix.
 */
#ifndef __KVM_PGTABLE_EXCHANGE_H
#define __KVM_PGTABLE_EXCHANGE_H

#include <linux/atomic.h>
#include <linux/compiler.h>

#include <kvm/pgtable/format.h>

/*
 * For tests only: their header lets other threads run before each access of an
 * entry and after each exchange, lets an exchange fail, or counts readers.
 */
#ifdef KPT_TEST_HOOKS
#include KPT_TEST_HOOKS
#endif
#ifndef KPT_TAKE_TURNS
#define KPT_TAKE_TURNS()	do { } while (0)
#endif
#ifndef KPT_LOSE_RACE
#define KPT_LOSE_RACE(tree)	((void)(tree), false)
#endif

/*
 * kpt_assert_reachable() has checked already that the table cannot be freed,
 * once per table, so there is no check per access.
 */
static __always_inline kpt_pte_t *kpt_raw(kpt_ptep_t ptep)
{
	return (__force kpt_pte_t *)ptep;
}

/*
 * Read an entry once.  The address dependency orders this before reads of the table
 * that the entry points to.
 */
static __always_inline kpt_pte_t kpt_read(kpt_ptep_t ptep)
{
	kpt_pte_t pte = READ_ONCE(*kpt_raw(ptep));

	KPT_TAKE_TURNS();
	return pte;
}

/*
 * Replace an entry that still has the value @old; if not, update @old.  Fully ordered
 * on success, so the table that @new points to is visible before @new.
 */
static __always_inline bool kpt_try_exchange(kpt_ptep_t ptep, kpt_pte_t *old, kpt_pte_t new)
{
	KPT_TAKE_TURNS();
	if (!try_cmpxchg64(kpt_raw(ptep), old, new))
		return false;

	KPT_TAKE_TURNS();
	return true;
}

/*
 * Replace an entry that no other walker writes, but hardware or a lockless fault may;
 * or freeze it.  The value returned includes all bits set until the exchange.
 */
static __always_inline kpt_pte_t kpt_exchange(kpt_ptep_t ptep, kpt_pte_t new)
{
	KPT_TAKE_TURNS();
	return xchg(kpt_raw(ptep), new);
}

/* Clear bits without losing concurrent updates of others; return the old value. */
static __always_inline kpt_pte_t kpt_clear_bits(kpt_ptep_t ptep, u64 bits)
{
	KPT_TAKE_TURNS();
	return atomic64_fetch_andnot(bits, (atomic64_t *)kpt_raw(ptep));
}

/*
 * Write an entry that nothing else can write: it is frozen by the caller, or it is not
 * volatile and the lock is held exclusively.  The table that @new points to is visible
 * before @new.
 */
static __always_inline void kpt_store(kpt_ptep_t ptep, kpt_pte_t new)
{
	KPT_TAKE_TURNS();
	/* Pairs with the address dependency of walkers that follow @new. */
	smp_store_release(kpt_raw(ptep), new);
}

/* Initialize a table that is not linked yet; @stride is 0 for copies of @first. */
static __always_inline void
kpt_fill(kpt_pte_t *table, unsigned int entries, kpt_pte_t first, u64 stride)
{
	for (unsigned int i = 0; i < entries; i++)
		table[i] = first + i * stride;
}

#endif /* __KVM_PGTABLE_EXCHANGE_H */
