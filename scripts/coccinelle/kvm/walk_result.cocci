// SPDX-License-Identifier: GPL-2.0-only
/// Find results of walks and exchanges that are ignored.
//# -EAGAIN means that another walker changed the entry and nothing was written, -ENOMEM that
//# part of the range is not done.  Ignoring them leaves a page mapped that should have been
//# unmapped, or frees what is still linked.
///
// Confidence: High
// Comments: the compiler reports a __must_check result only if it is dropped at once, not if
//	it is stored and never used.  Results of walks that only read, of a kpt_walk() whose
//	visitor stores the result, and of huge page recovery may be ignored.
// Options: --no-includes --include-headers

virtual context
virtual report

@initialize:python@
@@

results = set("""
kpt_begin kpt_change kpt_clear_dirty kpt_clear_dirty_mask kpt_collapse kpt_commit kpt_install
kpt_edit kpt_link kpt_map kpt_protect kpt_relax kpt_split kpt_try_exchange kpt_unmap
kpt_wrprot kpt_zap
kvm_pgtable_hyp_map kvm_pgtable_stage2_annotate kvm_pgtable_stage2_flush kvm_pgtable_stage2_map
kvm_pgtable_stage2_relax_perms kvm_pgtable_stage2_split kvm_pgtable_stage2_unmap
kvm_pgtable_stage2_wrprotect
kvm_riscv_gstage_map_page kvm_riscv_gstage_set_pte kvm_riscv_gstage_try_update_pte
kvmppc_create_pte
""".split())

@dropped@
attribute name __uninitialized;
iterator name scoped_guard;
identifier call : script:python() { call in results };
expression list es;
position p;
@@

(
 call@p(es);
|
 (void)call@p(es);
)

@aside exists@
local idexpression r;
identifier fn, call : script:python() { call in results };
expression list es;
position p;
@@

 fn(...)
 {
 ... when any
 r = call@p(es)
 ... when != r
 }

@again exists@
local idexpression r;
identifier call : script:python() { call in results };
expression list es;
expression E;
position p;
@@

 r = call@p(es)
 ... when != r
 r = E

@found@
identifier f;
position p = {dropped.p, aside.p, again.p};
@@

 f@p(...)

@depends on context@
identifier f;
position found.p;
@@

* f@p(...)

@script:python depends on report@
f << found.f;
p << found.p;
@@

coccilib.report.print_report(p[0], "result of %s() is ignored" % f)
