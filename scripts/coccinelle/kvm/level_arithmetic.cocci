// SPDX-License-Identifier: GPL-2.0-only
/// Find levels of the engine that are used as the architecture's, or the reverse.
//# The engine counts from 0, the last level; x86 counts from 1, arm64 down to 3.  Without
//# the client's conversion, every level is off by one, or upside down.
///
// Confidence: High
// Comments: the conversions themselves take and return an int, so they are not reported.
// Options: --no-includes --include-headers

virtual context
virtual report

@mixed@
attribute name __uninitialized;
iterator name scoped_guard;
struct kpt_iter *v;
struct kpt_iter w;
expression E;
identifier LEVEL =~ "^(PG_LEVEL_|KVM_PGTABLE_.*LEVEL|KVM_MAX_HUGEPAGE_LEVEL)";
identifier theirs =~ "^(goal|req)_level$";
binary operator op = {+,-,<,>,<=,>=,==,!=};
assignment operator aop;
position p;
@@

(
 v->level@p op LEVEL
|
 w.level@p op LEVEL
|
 LEVEL op v->level@p
|
 LEVEL op w.level@p
|
 v->level@p op E->role.level
|
 w.level@p op E->role.level
|
 E->theirs op v->level@p
|
 E->theirs op w.level@p
|
 v->level@p op E->theirs
|
 w.level@p op E->theirs
|
 E->role.level op v->level@p
|
 E->role.level op w.level@p
|
 E->role.level aop v->level@p
|
 E->role.level aop w.level@p
|
 v->level@p aop E->role.level
|
 w.level@p aop E->role.level
|
 v->level@p aop LEVEL
|
 w.level@p aop LEVEL
)

@passed@
struct kpt_iter *v;
struct kpt_iter w;
identifier arch =~ "^(is_last_spte|is_large_pte|make_huge_spte|kvm_update_page_stats|kvm_mmu_page_.*level|kvm_granule_(size|shift)|kvm_level_supports_block_mapping|tdp_fault_change|__tlbi_level|trace_kvm_.*|kpt_level)$";
position p;
@@

(
 arch(..., v->level@p, ...)
|
 arch(..., w.level@p, ...)
)

@taken@
expression E;
identifier LEVEL =~ "^(PG_LEVEL_|KVM_PGTABLE_.*LEVEL|KVM_MAX_HUGEPAGE_LEVEL)";
identifier engine =~ "^kpt_(span|shift|index|zap|wrprot|protect|split|find|is_table|is_leaf|leaf|block_level|level_bits|iterate)$";
position p;
@@

(
 engine(..., LEVEL@p, ...)
|
 engine(..., E->role.level@p, ...)
|
 engine(..., E->goal_level@p, ...)
)

@depends on context@
expression E;
identifier LEVEL;
position p = {mixed.p, passed.p, taken.p};
@@

(
* E->level@p
|
* E.level@p
|
* E->goal_level@p
|
* LEVEL@p
)

@script:python depends on report@
p << mixed.p;
@@

coccilib.report.print_report(p[0], "level of the engine is mixed with one of the architecture")

@script:python depends on report@
p << passed.p;
@@

coccilib.report.print_report(p[0], "level of the engine is given to the architecture")

@script:python depends on report@
p << taken.p;
@@

coccilib.report.print_report(p[0], "level of the architecture is given to the engine")
