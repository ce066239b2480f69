// SPDX-License-Identifier: GPL-2.0-only
/// Find frozen values that are never replaced.
//# Other walkers wait for a frozen entry until its owner publishes a value.  If there is no
//# owner, faults on it repeat for ever.  Only the engine freezes entries; a client writes
//# &kpt_format.empty or an annotation for an entry that is not present.
///
// Confidence: High
// Comments: kpt_exchange() is used by kpt_detach() to freeze entries of unlinked tables, and
//	is not reported.
// Options: --no-includes --include-headers

virtual patch
virtual context
virtual report

@named@
attribute name __uninitialized;
iterator name scoped_guard;
identifier write =~ "^kpt_(commit|change|store|fill)$", port;
identifier FROZEN =~ "^(KPT_.*FROZEN|FROZEN_SPTE|KVM_INVALID_PTE_LOCKED)$";
position p;
@@

(
 write(..., FROZEN@p, ...)
|
 port.commit(..., FROZEN@p, ...)
|
 port->commit(..., FROZEN@p, ...)
)

@member@
identifier write =~ "^kpt_(commit|change|store|fill)$", port;
expression E;
position p;
@@

(
 write(..., E->frozen@p, ...)
|
 write(..., E.frozen@p, ...)
|
 port.commit(..., E->frozen@p, ...)
|
 port->commit(..., E->frozen@p, ...)
)

@described@
identifier fmt;
identifier FROZEN =~ "FROZEN";
position p;
@@

(
 struct kpt_format fmt = { .empty = FROZEN@p, };
|
 struct kpt_mapping fmt = { .annotation = FROZEN@p, };
)

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
