/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A subtree is detached while faults link tables and map pages into it: "How a
 * table goes" in Documentation/virt/kvm/pgtable.rst.
 *
 * The root's entry refers to an upper table, whose one entry may refer to a child,
 * whose one entry may map a page.
 *
 * Held: no CPU and no walker uses a freed table; what is allocated is freed, once;
 * the leaves that are accounted are those that are there.
 * Weakened: NO_FREEZE NO_UPPER_FREEZE NO_WAIT NO_INVALIDATION INVALIDATE_LATE NO_GRACE
 * NO_RCU PLAIN_STORE
 */
#define FAULTS	2

mtype = { absent, frozen, table, leaf };

mtype root = table;
mtype upper = absent;
mtype child = absent;
bool upper_freed, child_freed, child_linked;
byte children;			/* allocated and not freed, linked or not */
short leaves;			/* accounted */

/* What the CPU has cached: the way to a table, and the page. */
bool knows_upper, knows_child;

bool in_rcu[FAULTS + 1];
byte finished;

inline rcu_read_lock(me)
{
#ifndef NO_RCU
	in_rcu[me] = true
#else
	skip
#endif
}

inline rcu_read_unlock(me)
{
	in_rcu[me] = false
}

inline compare_and_exchange(entry, old, new, won)
{
	atomic {
#ifdef PLAIN_STORE
		won = true;
		entry = new
#else
		won = entry == old;
		if
		:: won -> entry = new
		:: else
		fi
#endif
	}
}

/* A vCPU faults: links the child if there is none, maps the page. */
proctype fault(byte me)
{
	mtype seen;
	bool won;

	rcu_read_lock(me);
	if
	:: root != table -> goto out
	:: else
	fi;
	assert(!upper_freed);
	seen = upper;
	if
	:: seen == absent ->
		children++;
		compare_and_exchange(upper, absent, table, won);
		if
		:: won -> child_linked = true
		:: else ->
			children--;
			goto out
		fi
	:: seen == table
	:: else -> goto out
	fi;
	assert(!child_freed);
	seen = child;
	if
	:: seen == absent ->
		compare_and_exchange(child, absent, leaf, won);
		assert(!child_freed);
		if
		:: won -> leaves++
		:: else
		fi
	:: else
	fi;
out:
	rcu_read_unlock(me);
	finished++
}

/* Somebody else replaces the page by another: break, make. */
proctype remap()
{
	bool won = false;

	rcu_read_lock(FAULTS);
	if
	:: root == table && upper == table ->
		assert(!child_freed);
		atomic {
			if
			:: child == leaf -> child = frozen; won = true
			:: else
			fi
		};
		if
		:: won ->
			assert(!child_freed);
			child = leaf
		:: else
		fi
	:: else
	fi;
	rcu_read_unlock(FAULTS);
	finished++
}

inline exchange(entry, old, new)
{
	atomic {
#ifndef NO_WAIT
		entry != frozen;
#endif
		old = entry;
		entry = new
	}
}

inline invalidate()
{
	atomic {
		knows_upper = false;
		knows_child = false
	}
}

inline synchronize_rcu()
{
	byte walker = 0;

	do
	:: walker <= FAULTS ->
		!in_rcu[walker];
		walker++
	:: else -> break
	od
}

proctype detach()
{
	mtype old;
	bool child_found = false;

	root = absent;
#if defined(NO_UPPER_FREEZE) || defined(NO_FREEZE)
	old = upper;
#else
	exchange(upper, old, frozen);
#endif
	if
	:: old == table ->
		child_found = true;
#ifdef NO_FREEZE
		old = child;
#else
		exchange(child, old, frozen);
#endif
		if
		:: old == leaf -> leaves--
		:: else
		fi
	:: else
	fi;
#if !defined(NO_INVALIDATION) && !defined(INVALIDATE_LATE)
	invalidate();
#endif
#ifndef NO_GRACE
	synchronize_rcu();
#endif
	upper_freed = true;
	if
	:: child_found ->
		assert(!child_freed);
		child_freed = true;
		children--
	:: else
	fi;
#ifdef INVALIDATE_LATE
	invalidate();
#endif
	finished++
}

/* The hardware walker caches what it is led to, and goes on from there. */
active proctype cpu()
{
	do
	:: atomic { root == table -> knows_upper = true }
	:: atomic { knows_upper -> assert(!upper_freed);
		if
		:: upper == table -> knows_child = true
		:: else
		fi }
	:: atomic { knows_child -> assert(!child_freed) }
	:: finished == FAULTS + 2 -> break
	od
}

init {
	byte me = 0;

	atomic {
		do
		:: me < FAULTS -> run fault(me); me++
		:: else -> break
		od;
		run remap();
		run detach()
	};
	finished == FAULTS + 2;
	assert(children == 0);
	assert(leaves == 0)
}
