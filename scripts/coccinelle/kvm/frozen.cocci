// SPDX-License-Identifier: GPL-2.0-only
/// Find frozen values that are to stay.
//# Whoever finds an entry frozen waits, or comes again, until its owner writes what it is
//# to be.  If nobody will, every fault on it repeats for ever.  Freezing is the engine's
//# business; who wants an entry that is not present says empty, or an annotation.
///
// Confidence: High
// Comments: kpt_exchange() freezes what kpt_detach() frees, and is left out.
// Options: --no-includes --include-headers

virtual patch
virtual context
virtual report

@named@
attribute name __uninitialized;
iterator name scoped_guard;
identifier write =~ "^kpt_(commit|commit_slowly|change|store|annotate|fill|make_later)$";
identifier FROZEN =~ "^(KPT_.*FROZEN|FROZEN_SPTE|KVM_INVALID_PTE_LOCKED)$";
position p;
@@

 write(..., FROZEN@p, ...)

@member@
identifier write =~ "^kpt_(commit|commit_slowly|change|store|annotate|fill|make_later)$";
expression E;
position p;
@@

(
 write(..., E->frozen@p, ...)
|
 write(..., E.frozen@p, ...)
)

@described@
identifier fmt;
identifier FROZEN =~ "FROZEN";
position p;
@@

 struct kpt_format fmt = { .empty = FROZEN@p, };

@kept exists@
identifier f, FROZEN =~ "^(KPT_.*FROZEN|FROZEN_SPTE|KVM_INVALID_PTE_LOCKED)$";
expression ptep, old;
position p;
@@

 f(...)
 {
 ... when any
 kpt_try_exchange(ptep, old, FROZEN@p)
 ... when != kpt_store(ptep, ...)
 }

@depends on context@
identifier FROZEN;
position p = {named.p, described.p, kept.p};
@@

* FROZEN@p

@depends on context@
expression E;
position member.p;
@@

(
* E->frozen@p
|
* E.frozen@p
)

@depends on patch@
position member.p;
expression E;
@@

(
- E->frozen@p
+ E->empty
|
- E.frozen@p
+ E.empty
)

@found@
identifier FROZEN;
position p = {named.p, described.p, kept.p};
@@

 FROZEN@p

@script:python depends on report@
p << found.p;
@@

coccilib.report.print_report(p[0], "frozen value would stay in the entry")

@script:python depends on report@
p << member.p;
@@

coccilib.report.print_report(p[0], "frozen value would stay in the entry")
