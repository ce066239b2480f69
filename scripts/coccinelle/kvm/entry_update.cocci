// SPDX-License-Identifier: GPL-2.0-only
/// Find entries that are read, modified and written, instead of exchanged.
//# Between the read and the write, hardware may set the accessed or dirty bit, and another
//# walker may change the entry under the shared lock.  The write overwrites that.  Use
//# kpt_commit() or kpt_edit(), or cmpxchg() without the engine.
///
// Confidence: Moderate
// Comments: whether concurrent writers are possible depends on the hardware and on the lock
//	that the callers hold.  Entries of the hypervisor's fixmap belong to one CPU with
//	interrupts disabled, and hardware does not update them.
// Options: --no-includes --include-headers

virtual context
virtual report

@fixmap exists@
attribute name __uninitialized;
iterator name scoped_guard;
local idexpression P;
struct hyp_fixmap_slot *slot;
expression E;
position own;
@@

 P = slot->ptep
 ... when != P = E
     when any
 WRITE_ONCE(*P@own, E)

@output exists@
local idexpression P;
expression E, F;
position p;
@@

 *P = E
 ... when any
     when != P = F
     when != P++
 *P@p = F

@entry@
typedef kvm_pte_t, pte_t;
kvm_pte_t *A;
pte_t *B;
union pte *C;
union crste *D;
identifier sptep =~ "sptep$";
expression E;
identifier set =~ "^(kvm_)?set_p[tmu]d$|^(kvm_)?set_pte$|^kpt_store$|^mmu_spte_set$|^__set_spte$";
position p != {fixmap.own, output.p};
@@

(
 *A@p = E
|
 *B@p = E
|
 WRITE_ONCE(*A@p, E)
|
 WRITE_ONCE(*B@p, E)
|
 *C@p = E
|
 *D@p = E
|
 *sptep@p = E
|
 WRITE_ONCE(*C@p, E)
|
 WRITE_ONCE(*D@p, E)
|
 WRITE_ONCE(*sptep@p, E)
|
 set@p(...)
)

@direct@
expression P;
identifier set, get =~ "^(kpt_read|p.*p_get)$";
position p = {entry.p};
@@

(
 *P@p = <+... *P ...+>
|
 WRITE_ONCE(*P@p, <+... *P ...+>)
|
 set@p(P, <+... *P ...+>)
|
 set@p(P, <+... get(P) ...+>)
)

@by_hand@
expression E;
struct kpt_iter *v;
struct kpt_iter w;
binary operator op = {&,|,^,+,-};
identifier set;
position p = {entry.p};
@@

(
 set@p(v->ptep, v->pte op E)
|
 set@p(w.ptep, w.pte op E)
)

@later exists@
local idexpression V;
expression P, E;
identifier set, get =~ "^(kpt_read|p.*p_get)$";
position p = {entry.p};
@@

(
 V = <+... *P ...+>
|
 V = <+... get(P) ...+>
)
 ... when != P = E
     when != V = E
(
 *P@p = <+... V ...+>
|
 WRITE_ONCE(*P@p, <+... V ...+>)
|
 set@p(P, <+... V ...+>)
)

@found@
expression P, E;
identifier set;
position p = {direct.p, by_hand.p, later.p};
@@

(
 *P@p = E
|
 WRITE_ONCE(*P@p, E)
|
 set@p(...)
)

@depends on context@
expression P, E;
identifier set;
position found.p;
@@

(
* *P@p = E
|
* WRITE_ONCE(*P@p, E)
|
* set@p(...)
)

@script:python depends on report@
p << found.p;
@@

coccilib.report.print_report(p[0], "entry read, modified and written: not one exchange")
