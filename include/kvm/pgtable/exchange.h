/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only code that reads or writes a live page-table entry.
 *
 * Nothing here knows why an entry changes; change.h decides which of these a
 * change needs.  A reader in another context sees either value, never a mix.
 */
#ifndef __KVM_PGTABLE_EXCHANGE_H
#define __KVM_PGTABLE_EXCHANGE_H

#include <linux/atomic.h>
#include <linux/compiler.h>

#include <kvm/pgtable/format.h>

/* Tests let others go first wherever an entry is read or written; nobody else pays for it. */
#ifdef KPT_TAKE_TURNS
void KPT_TAKE_TURNS(void);
#else
#define KPT_TAKE_TURNS()	do { } while (0)
#endif

/*
 * That the table under an entry cannot go away is asserted once per table, by
 * kpt_assert_reachable(); here the annotation is only taken off.
 */
static __always_inline kpt_pte_t *kpt_raw(kpt_ptep_t ptep)
{
	return (__force kpt_pte_t *)ptep;
}

/**
 * kpt_read() - read a live entry once
 * @ptep: the entry
 *
 * What the value points to may be read after it without a barrier: the address
 * depends on the value.
 *
 * Return: its value.
 */
static __always_inline kpt_pte_t kpt_read(kpt_ptep_t ptep)
{
	kpt_pte_t pte = READ_ONCE(*kpt_raw(ptep));

	KPT_TAKE_TURNS();
	return pte;
}

/**
 * kpt_try_exchange() - replace a live entry if it still has the value last seen
 * @ptep: the entry
 * @old: the value last seen; on failure, the value found
 * @new: the value to write
 *
 * Fully ordered on success, so what @new points to is visible before @new is.
 *
 * Return: true if @new was written.
 */
static __always_inline bool kpt_try_exchange(kpt_ptep_t ptep, kpt_pte_t *old, kpt_pte_t new)
{
	KPT_TAKE_TURNS();
	return try_cmpxchg64(kpt_raw(ptep), old, new);
}

/**
 * kpt_exchange() - replace a live entry whatever its value
 * @ptep: the entry
 * @new: the value to write
 *
 * For entries that no other walker writes but that hardware or a lockless
 * fault may, and for taking an entry into possession by freezing it.
 *
 * Return: the value replaced, with every bit that was set until then.
 */
static __always_inline kpt_pte_t kpt_exchange(kpt_ptep_t ptep, kpt_pte_t new)
{
	KPT_TAKE_TURNS();
	return xchg(kpt_raw(ptep), new);
}

/**
 * kpt_clear_bits() - clear bits of a live entry and leave the others alone
 * @ptep: the entry
 * @bits: what to clear
 *
 * Return: the value before.
 */
static __always_inline kpt_pte_t kpt_clear_bits(kpt_ptep_t ptep, u64 bits)
{
	KPT_TAKE_TURNS();
	return atomic64_fetch_andnot(bits, (atomic64_t *)kpt_raw(ptep));
}

/**
 * kpt_store() - write an entry that nobody else may write
 * @ptep: the entry: frozen by the caller, or not volatile under an exclusive walk
 * @new: the value to write
 *
 * What @new points to is visible before @new is.
 */
static __always_inline void kpt_store(kpt_ptep_t ptep, kpt_pte_t new)
{
	KPT_TAKE_TURNS();
	/* Pairs with the address dependency of whoever follows @new. */
	smp_store_release(kpt_raw(ptep), new);
}

/**
 * kpt_fill() - write the entries of a table that is not linked yet
 * @table: the table
 * @entries: how many it has
 * @first: the value of the first
 * @stride: added from each entry to the next
 */
static __always_inline void
kpt_fill(kpt_pte_t *table, unsigned int entries, kpt_pte_t first, u64 stride)
{
	for (unsigned int i = 0; i < entries; i++)
		table[i] = first + i * stride;
}

#endif /* __KVM_PGTABLE_EXCHANGE_H */
