/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of last level is detached without an exchange of its entries: they are
 * counted by plain loads after the grace period, when nobody can map any more.
 *
 * Held: no CPU uses a freed table, or a page that a later notifier let go; the
 * leaves that are accounted are those that are there, and never fewer than none.
 * Weakened: COUNT_EARLY INVALIDATE_LATE NO_INVALIDATION NO_GRACE FAULT_OUTSIDE_RCU
 * ACCOUNT_OUTSIDE_RCU
 */
#define FAULTS	2
#define ENTRIES	2

bool linked = true;		/* the upper entry refers to the table */
bool is_leaf[ENTRIES];
bool table_freed, page_freed;
short leaves;

bool knows_table, knows_page;

bool in_rcu[FAULTS];
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

inline invalidate()
{
	atomic {
		knows_table = false;
		knows_page = false
	}
}

inline count()
{
	byte entry = 0;

	do
	:: entry < ENTRIES ->
		if
		:: is_leaf[entry] ->
			leaves--;
			assert(leaves >= 0)
		:: else
		fi;
		entry++
	:: else -> break
	od
}

proctype detach()
{
	byte walker = 0;

	linked = false;
#if !defined(NO_INVALIDATION) && !defined(INVALIDATE_LATE)
	invalidate();
#endif
#ifdef COUNT_EARLY
	count();
#endif
	/* The lock is dropped: a notifier finds no leaf, does not invalidate, lets the page go. */
	page_freed = true;
#ifndef NO_GRACE
	do
	:: walker < FAULTS ->
		!in_rcu[walker];
		walker++
	:: else -> break
	od;
#endif
#ifndef COUNT_EARLY
	count();
#endif
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
	:: finished == FAULTS + 1 -> break
	od
}

init {
	byte me = 0;

	atomic {
		do
		:: me < FAULTS -> run fault(me, 0); me++
		:: else -> break
		od;
		run detach()
	};
	finished == FAULTS + 1;
	assert(leaves == 0)
}
