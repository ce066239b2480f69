// SPDX-License-Identifier: GPL-2.0-only
/// Find entries that are used after the protection of their table has ended.
//# When a walk ends or yields, or the lock is dropped, the table of an entry may be freed.
//# The value of the entry may be kept, but its pointer must be looked up again.
///
// Confidence: Moderate
// Comments: without the engine, an entry is what a kvm_pte_t or pte_t pointer refers to.
//	Entries in the root, or in a table that the caller keeps alive, are false positives.
// Options: --no-includes --include-headers

virtual context
virtual report

@cursor exists@
attribute name __uninitialized;
iterator name scoped_guard;
local idexpression struct kpt_iter v;
identifier find =~ "^kpt_(enter_root|enter_table|find)$";
identifier end =~ "^(kpt_end|kpt_end_noflush|rcu_read_unlock|kpt_unmap|kpt_zap|kpt_wrprot|kpt_clear_dirty|kpt_split|kpt_collapse|kpt_dump_next)$";
identifier use =~ "^kpt_(enter_table|commit|change|edit|link)$";
expression E, F;
position p;
@@

(
 find(..., &v, ...)
|
 v = E
)
 ... when any
 end(...)
 ... when != kpt_enter_root(..., &v, ...)
     when != kpt_find(..., &v, ...)
     when != v = F
(
 use@p(..., &v, ...)
|
 v.ptep@p
|
 kpt_child_table@p(..., v.pte)
)

@pointer exists@
attribute name __uninitialized;
iterator name scoped_guard;
idexpression struct kpt_iter *i;
identifier find =~ "^kpt_(enter_root|enter_table|find)$";
identifier end =~ "^(kpt_end|kpt_end_noflush|kpt_unmap|kpt_zap|kpt_wrprot|kpt_clear_dirty|kpt_split|kpt_collapse|kpt_dump_next)$";
identifier use =~ "^kpt_(enter_table|commit|change|edit|link)$";
position p;
@@

 find(..., i, ...)
 ... when any
 end(..., i, ...)
 ... when != kpt_enter_root(..., i, ...)
     when != kpt_find(..., i, ...)
(
 use@p(..., i, ...)
|
 i->ptep@p
|
 kpt_child_table@p(..., i->pte)
)

@yielded@
position p;
@@

(
 kpt_try_yield@p(...);
|
 tdp_mmu_iter_cond_resched@p(...);
)

@entry@
typedef kvm_pte_t, pte_t;
local idexpression kvm_pte_t *A;
local idexpression pte_t *B;
identifier find !~ "alloc";
position a;
@@

(
 A = find@a(...)
|
 B = find@a(...)
)

@dropped exists@
local idexpression P;
identifier find;
identifier drop =~ "^(read|write|spin)_unlock$|^cond_resched_rwlock";
identifier access =~ "^p[tmu][ed]p_get$|^(kvm_)?set_pte$|xchg|pte_update$";
expression E, F, kvm;
position entry.a, p;
@@

 P = find@a(...)
 ... when any
     when != P = E
 drop(&kvm->mmu_lock)
 ... when != P = F
     when != &P
(
 *P@p
|
 access(..., P@p, ...)
)

@before exists@
local idexpression P;
identifier find;
identifier lock =~ "^(read|write|spin)_lock$";
identifier access =~ "^p[tmu][ed]p_get$|^(kvm_)?set_pte$|xchg|pte_update$";
expression E, F, kvm;
position entry.a, p;
@@

 P = find@a(...)
 ... when != P = E
     when any
 lock(&kvm->mmu_lock)
 ... when != P = F
     when != &P
     when any
(
 *P@p
|
 access(..., P@p, ...)
)

@depends on context@
identifier f;
position p = {cursor.p, pointer.p, yielded.p};
@@

* f@p(...)

@depends on context@
expression E;
position p = {cursor.p, pointer.p, dropped.p, before.p};
@@

(
* E.ptep@p
|
* E->ptep@p
|
* E@p
)

@script:python depends on report@
p << cursor.p;
@@

coccilib.report.print_report(p[0], "cursor used after its walk ended or yielded")

@script:python depends on report@
p << pointer.p;
@@

coccilib.report.print_report(p[0], "cursor used after its walk ended or yielded")

@script:python depends on report@
p << yielded.p;
@@

coccilib.report.print_report(p[0], "cursor used whether or not the walk yielded")

@script:python depends on report@
p << dropped.p;
@@

coccilib.report.print_report(p[0], "entry used after the lock that kept its table was dropped")

@script:python depends on report@
p << before.p;
@@

coccilib.report.print_report(p[0], "entry found before the lock was taken that keeps its table")
