// SPDX-License-Identifier: GPL-2.0-only
/// Find tables whose memory is used for a list while hardware may still walk them.
//# Until the flush after unlinking a table, its contents are interpreted as entries.  Use
//# the metadata of the page instead.
///
// Confidence: High
// Comments: a table that is reused for a list after the flush would be a false positive;
//	none is known.
// Options: --no-includes --include-headers

virtual context
virtual report

@table@
typedef kvm_pte_t, pte_t, kpt_pte_t, kpt_ptep_t;
attribute name __uninitialized;
iterator name scoped_guard;
kvm_pte_t *A;
pte_t *B;
kpt_pte_t *C;
kpt_ptep_t D;
position p;
@@

(
 (struct list_head *)A@p
|
 (struct list_head *)B@p
|
 (struct list_head *)C@p
|
 (struct list_head *)D@p
|
 (struct llist_node *)A@p
|
 (struct llist_node *)B@p
|
 (struct llist_node *)C@p
|
 (struct llist_node *)D@p
)

@env@
identifier link, e;
@@

 struct kpt_ops e = { .table_link = link, };

@inside@
identifier env.link;
identifier T;
type P;
position p;
@@

 link(P T)
 {
 <...
 return (kpt_pte_t **)T@p;
 ...>
 }

@depends on context@
expression E;
position p = {table.p, inside.p};
@@

* E@p

@script:python depends on report@
p << table.p;
@@

coccilib.report.print_report(p[0], "list kept in a table that hardware may still walk")

@script:python depends on report@
p << inside.p;
@@

coccilib.report.print_report(p[0], "list kept in a table that hardware may still walk")
