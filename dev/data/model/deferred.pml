/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of last level is detached without an exchange of its entries: its leaves are
 * counted by plain loads, and once more after the grace period, when nobody can map any
 * more; then the difference is accounted.
 *
 * Held: no CPU uses a freed table, or a page that a later notifier let go; when a table
 * is freed, none of its leaves is accounted.
 * Weakened: COUNT_ONCE RECOUNT_EARLY INVALIDATE_LATE NO_INVALIDATION NO_GRACE
 * FAULT_OUTSIDE_RCU ACCOUNT_OUTSIDE_RCU
 */
#define WALKS	4	/* three faults, two of them for one page, and one that unmaps */
#define ENTRIES	2

bool linked = true;		/* the upper entry refers to the table */
bool is_leaf[ENTRIES];
bool table_freed, page_freed;
short leaves;

bool knows_table, knows_page;

bool in_rcu[WALKS];
byte finished;

proctype fault(byte me; byte entry)
{
	bool won = false;

#ifndef FAULT_OUTSIDE_RCU
	in_rcu[me] = true;
#endif
	if
	:: linked ->
		assert(!table_freed);
		atomic {
			won = !is_leaf[entry];
			is_leaf[entry] = true
		};
		assert(!table_freed);
#ifdef ACCOUNT_OUTSIDE_RCU
		in_rcu[me] = false;
#endif
		if
		:: won -> leaves++
		:: else
		fi
	:: else
	fi;
	in_rcu[me] = false;
	finished++
}

proctype unmap(byte me; byte entry)
{
	bool won = false;

	in_rcu[me] = true;
	if
	:: linked ->
		atomic {
			won = is_leaf[entry];
			is_leaf[entry] = false
		};
		assert(!table_freed);
		if
		:: won -> leaves--
		:: else
		fi
	:: else
	fi;
	in_rcu[me] = false;
	finished++
}

inline invalidate()
{
	atomic {
		knows_table = false;
		knows_page = false
	}
}

/* Entry by entry: what is mapped meanwhile is seen or not. */
inline count(found)
{
	found = 0;
	entry = 0;
	do
	:: entry < ENTRIES ->
		found = found + is_leaf[entry];
		entry++
	:: else -> break
	od
}

proctype detach()
{
	byte walker = 0, entry, counted, present;

	linked = false;
	count(counted);
	leaves = leaves - counted;
#ifdef RECOUNT_EARLY
	count(present);
	leaves = leaves - (present - counted);
#endif
#if !defined(NO_INVALIDATION) && !defined(INVALIDATE_LATE)
	invalidate();
#endif
	/* The lock is dropped: a notifier finds no leaf, does not invalidate, lets the page go. */
	page_freed = true;
#ifndef NO_GRACE
	do
	:: walker < WALKS ->
		!in_rcu[walker];
		walker++
	:: else -> break
	od;
#endif
#if !defined(COUNT_ONCE) && !defined(RECOUNT_EARLY)
	count(present);
	leaves = leaves - (present - counted);
#endif
	assert(leaves == 0);
	table_freed = true;
#ifdef INVALIDATE_LATE
	invalidate();
#endif
	finished++
}

active proctype cpu()
{
	do
	:: atomic { linked -> knows_table = true }
	:: atomic { knows_table -> assert(!table_freed);
		if
		:: is_leaf[0] -> knows_page = true
		:: else
		fi }
	:: atomic { knows_page -> assert(!page_freed) }
	:: finished == WALKS + 1 -> break
	od
}

init {
	atomic {
		run fault(0, 0);
		run fault(1, 0);
		run fault(2, 1);
		run unmap(3, 0);
		run detach()
	};
	finished == WALKS + 1;
	assert(leaves == 0)
}
