/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Break before make, of two entries with one invalidation, while others write them:
 * "Break before make" in Documentation/virt/kvm/pgtable.rst.
 *
 * Held: no CPU holds two valid values of one entry; memory is made ready before a CPU
 * can use it; both entries get their new values.
 * Weakened: NO_BREAK NO_INVALIDATION MAKE_EARLY PLAIN_STORE IGNORE_FROZEN PREPARE_LATE
 */
#define ENTRIES	2

mtype = { old_leaf, relaxed_leaf, frozen, new_leaf };

mtype pte[ENTRIES] = old_leaf;
bool ready[ENTRIES];

/* Values that the CPU has cached for each entry. */
bool knows_old[ENTRIES], knows_new[ENTRIES];
byte finished;

/* A fault adds a permission to a leaf that it found. */
proctype relax(byte i)
{
	mtype seen;

	seen = pte[i];
	if
#ifdef IGNORE_FROZEN
	:: seen == old_leaf || seen == frozen ->
#else
	:: seen == old_leaf ->
#endif
#ifdef PLAIN_STORE
		pte[i] = relaxed_leaf
#else
		atomic {
			if
			:: pte[i] == seen -> pte[i] = relaxed_leaf
			:: else
			fi
		}
#endif
	:: else
	fi;
	finished++
}

inline invalidate()
{
	atomic {
		knows_old[0] = false; knows_new[0] = false;
		knows_old[1] = false; knows_new[1] = false
	}
}

inline make(i)
{
#ifdef PREPARE_LATE
	pte[i] = new_leaf;
	ready[i] = true
#else
	ready[i] = true;
	pte[i] = new_leaf
#endif
}

proctype change()
{
	byte i = 0;

#ifndef NO_BREAK
	do
	:: i < ENTRIES ->
		atomic { pte[i] = frozen };
#ifdef MAKE_EARLY
		make(i);
#endif
		i++
	:: else -> break
	od;
#ifndef NO_INVALIDATION
	invalidate();
#endif
#endif
#ifndef MAKE_EARLY
	i = 0;
	do
	:: i < ENTRIES -> make(i); i++
	:: else -> break
	od;
#endif
#ifdef NO_BREAK
	invalidate();
#endif
	finished++
}

active proctype cpu()
{
	byte i;

	do
	:: i = 0
	:: i = 1
	:: atomic {
		if
		:: pte[i] == old_leaf || pte[i] == relaxed_leaf -> knows_old[i] = true
		:: pte[i] == new_leaf -> knows_new[i] = true; assert(ready[i])
		:: else
		fi;
		assert(!(knows_old[i] && knows_new[i])) }
	:: finished == 3 -> break
	od
}

init {
	atomic {
		run relax(0);
		run relax(1);
		run change()
	};
	finished == 3;
	assert(pte[0] == new_leaf && pte[1] == new_leaf)
}
