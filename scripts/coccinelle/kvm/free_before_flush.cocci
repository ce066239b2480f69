// SPDX-License-Identifier: GPL-2.0-only
/// Find tables that are freed before the flush that covers them.
//# Until the flush, a CPU may walk the table by a cached entry of the level above.  If the
//# page is reused, its contents are interpreted as entries.  Unlink, flush, free: with
//# the engine, kpt_commit() unlinks and kpt_end() does the rest.
///
// Confidence: Moderate
// Comments: a flush is recognized by its name.  If the flush depends on leaves having been
//	found, tables without leaves are freed without a flush.
// Options: --no-includes --include-headers

virtual context
virtual report

@unlinked exists@
attribute name __uninitialized;
iterator name scoped_guard;
local idexpression T;
expression P, E, F, port, tree, pte;
identifier get =~ "^p.*p_get$";
identifier clear =~ "^(kvm_)?set_p[tmu][ed]$|^p[4tmu][ed]_clear$";
identifier flush =~ "flush|tlb|inval|fence|kpt_flush_tlb|kpt_end|flush_gather";
identifier free =~ "^(__)?free_pages?$|^put_page$|^(kvmppc_)?p[tmu][ed]_free$|^kmem_cache_free$";
position p;
@@

(
 T = <+... get(P) ...+>
|
 T = <+... *P ...+>
|
 T = <+... kpt_child_table(port, tree, pte) ...+>
)
 ... when any
     when != T = E
(
 clear(P, ...)
|
 clear(P)
|
 *P = E
|
 WRITE_ONCE(*P, E)
|
 kpt_commit(port, ...)
|
 kpt_exchange(...)
|
 kpt_try_exchange(...)
)
 ... when != flush(...)
     when != F->flush_gather(...)
     when != T = E
(
 free@p(<+... T ...+>)
|
 free@p(E, T)
|
 E->put_page@p(T)
|
 E->free@p(tree, T)
)

@collected exists@
iterator name list_for_each_safe, list_for_each_entry_safe;
expression E, F, L;
expression list es;
local idexpression T;
identifier flush =~ "^kvm_flush_remote_tlbs";
identifier free =~ "^(__)?free_pages?$|^kmem_cache_free$";
position p;
@@

 if (E) flush(...);
 ... when != flush(...)
(
 list_for_each_safe(T, F, L) {
 ...
 free@p(<+... T ...+>)
 ...
 }
|
 list_for_each_entry_safe(T, F, L, es) {
 ...
 free@p(<+... T ...+>)
 ...
 }
)

@depends on context@
identifier free;
position p = {unlinked.p, collected.p};
@@

* free@p(...)

@depends on context@
identifier free;
expression E;
position unlinked.p;
@@

* E->free@p(...)

@script:python depends on report@
p << unlinked.p;
@@

coccilib.report.print_report(p[0], "table freed before the invalidation that covers it")

@script:python depends on report@
p << collected.p;
@@

coccilib.report.print_report(p[0], "tables freed, though the invalidation before is conditional")
