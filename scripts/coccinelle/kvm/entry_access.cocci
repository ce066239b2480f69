// SPDX-License-Identifier: GPL-2.0-only
/// Find entries that are accessed outside of the engine's exchange layer.
//# kpt_raw() and rcu_dereference() return a pointer for finding the page of the table, or
//# for comparing.  Dereferencing it may read an entry twice with different results, or
//# overwrite the change of another walker.
///
// Confidence: High
// Comments: sparse reports a direct dereference of a kpt_ptep_t, but nothing once the
//	pointer is converted.  This rule starts there.
// Options: --no-includes --include-headers

virtual patch
virtual context
virtual report

@unwrapped exists@
typedef kpt_ptep_t;
attribute name __uninitialized;
iterator name scoped_guard;
local idexpression P;
kpt_ptep_t entry;
expression E;
struct kpt_iter *v;
struct kpt_iter w;
identifier exchange =~ "xchg";
position p;
@@

(
 P = kpt_raw(E)
|
 P = rcu_dereference(entry)
|
 P = rcu_dereference(v->ptep)
|
 P = rcu_dereference(w.ptep)
)
 ... when != P = E
     when any
(
 *P@p
|
 P@p[...]
|
 exchange(P@p, ...)
)

@direct@
kpt_ptep_t entry;
expression E;
struct kpt_iter *v;
struct kpt_iter w;
identifier exchange =~ "xchg";
position p : script:python() { not p[0].file.endswith("pgtable/exchange.h") };
@@

(
 *kpt_raw@p(E)
|
 kpt_raw@p(E)[...]
|
 exchange(kpt_raw@p(E), ...)
|
 *rcu_dereference@p(entry)
|
 *rcu_dereference@p(v->ptep)
|
 *rcu_dereference@p(w.ptep)
)

@marked depends on context@
expression E;
position unwrapped.p;
@@

* E@p

@marked_direct depends on context@
identifier unwrap;
position direct.p;
@@

* unwrap@p(...)

@depends on patch@
expression E, F;
position direct.p;
@@

(
 WRITE_ONCE(*kpt_raw@p(E), F)
|
 *kpt_raw@p(E) = F
|
- READ_ONCE(*kpt_raw@p(E))
+ kpt_read(E)
|
- *kpt_raw@p(E)
+ kpt_read(E)
)

@script:python depends on report@
p << unwrapped.p;
@@

coccilib.report.print_report(p[0], "entry accessed outside of the exchange layer")

@script:python depends on report@
p << direct.p;
@@

coccilib.report.print_report(p[0], "entry accessed outside of the exchange layer")
