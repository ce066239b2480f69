// SPDX-License-Identifier: GPL-2.0-only
/// Port visitors of KVM/arm64's page-table walker to the page-table engine.
//# The context becomes the port, the walk and the visit.  What froze an entry and made
//# it anew, or linked a table, becomes one change; a walker becomes a range walk.
///
// Confidence: Moderate
// Comments: the client brings s2_port, hyp_port, struct pgt_op, to_op(), arm_level(),
//	pgt_op_init(), pgt_begin() and s2_begin(), as arch/arm64/kvm/hyp/pgtable.c does.  References to a
//	table's page are counted by its &kpt_ops.changed, TLBs and caches are maintained by
//	its invalidate and prepare, so who does either by hand keeps the context, and does
//	not compile.
// Options: --no-includes --include-headers

virtual patch

// What the engine does instead is not ported, and its callers are below.
@linked depends on patch@
typedef kvm_pte_t;
identifier f, c;
idexpression childp, new;
expression mmu, ops;
@@

 f(..., const struct kvm_pgtable_visit_ctx *c, ...)
 {
 ... when any
- if (!stage2_try_break_pte(c, mmu))
+ new = pgt_make_table(it->tree, childp);
+ if (kpt_frozen(&S2_FORMAT, it->pte) ||
+     pgt_port.commit(it, new, kpt_classify(&S2_FORMAT, it->pte, new, it->level), true))
 {
 ...
 return -EAGAIN;
 }
- new = kvm_init_table_pte(childp, ops);
- stage2_make_pte(c, new);
- return 0;
+ it->pte = new;
+ return 0;
 }

@hyp_linked depends on patch@
identifier f, c;
idexpression childp, new;
expression ops;
@@

 f(..., const struct kvm_pgtable_visit_ctx *c, ...)
 {
 ... when any
- new = kvm_init_table_pte(childp, ops);
- ops->get_page(c->ptep);
- smp_store_release(c->ptep, new);
- return 0;
+ return kpt_link(&pgt_port, it, childp, true);
 }

@visitor depends on patch@
identifier g !~ "^kvm_pgtable_visitor_cb$";
identifier c, visit;
@@

 g(const struct kvm_pgtable_visit_ctx *c,
- enum kvm_pgtable_walk_flags visit
+ void *arg
  )
 { ... }

@depends on patch@
identifier visitor.g, visitor.c;
@@

 g(...)
 {
 <...
- c->arg
+ arg
 ...>
 }

@helper depends on patch@
identifier g !~ "^(stage2_try_set_pte|stage2_try_break_pte|stage2_make_pte|kvm_pgtable_visitor_cb|kvm_pgtable_walk_.*)$";
identifier c;
type T;
@@

 T g(
- const struct kvm_pgtable_visit_ctx *c
+ struct kpt_iter *it
  , ...)
 { ... }

@depends on patch@
identifier helper.g, helper.c;
@@

 g(...)
 {
 <...
(
- kvm_pte_table(c->old, c->level)
+ kpt_is_table(&S2_FORMAT, it->pte, it->level)
|
- kvm_granule_size(c->level)
+ kpt_span(&S2_FORMAT, it->level)
|
- kvm_pgtable_walk_shared(c)
+ it->shared
|
- c->old
+ it->pte
|
- c->level
+ arm_level(it->level)
|
- c->addr
+ max(it->ia, it->start)
|
- c->start
+ it->start
|
- c->end
+ it->end
|
- c->mm_ops
+ to_op(it->tree)->mm_ops
)
 ...>
 }

@depends on patch@
identifier helper.g, helper.c;
expression new;
@@

 g(...)
 {
 <...
- !stage2_try_set_pte(c, new)
+ kpt_change(&pgt_port, it, new)
 ...>
 }

@depends on patch@
identifier helper.g;
symbol ctx;
@@

(
- g(ctx)
+ g(it)
|
- g(ctx,
+ g(it,
  ...)
)

// A walk whose flags its caller gives, or with others, is told more than which entries to visit.
@walking depends on patch@
identifier walker, fn =~ "^(hyp|stage2)_";
expression pgt, addr, size, data, asked;
idexpression ret;
position p;
@@

 struct kvm_pgtable_walker walker@p = {
	.cb = fn,
	.flags = asked,
	.arg = data,
 };
 ... when any
 ret = kvm_pgtable_walk(pgt, addr, size, &walker);

@script:python choice@
asked << walking.asked;
what;
@@

entries = {
	"KVM_PGTABLE_WALK_LEAF": "KPT_ENTRIES",
	"KVM_PGTABLE_WALK_TABLE_PRE": "KPT_TABLES",
	"KVM_PGTABLE_WALK_TABLE_POST": "KPT_POST",
}
flags = asked.split(" | ")
if all(flag in entries for flag in flags):
	coccinelle.what = cocci.make_expr(" | ".join(entries[flag] for flag in flags))
else:
	cocci.include_match(False)

@begun depends on patch@
identifier walking.walker, walking.fn;
expression walking.pgt, walking.addr, walking.size, walking.data, walking.asked, choice.what;
idexpression walking.ret;
position walking.p;
@@

- struct kvm_pgtable_walker walker@p = {
-	.cb = fn,
-	.flags = asked,
-	.arg = data,
- };
+ struct pgt_op op;
 ... when any
- ret = kvm_pgtable_walk(pgt, addr, size, &walker);
+ ret = s2_begin(&op, pgt, addr, size, false);
+ if (!ret) {
+	ret = pgt_port.walk(&op.it, 0, what, fn, data);
+	pgt_end(&op);
+ }
+ ret = min(ret, 0);

@depends on patch@
symbol op, false, pgt_port;
expression pgt, addr, size, ret, what, data;
identifier fn =~ "^hyp_";
@@

  ret =
- s2_begin(&op, pgt, addr, size, false)
+ hyp_begin(&op, pgt, addr, size)
  ;
  if (!ret) { ret = pgt_port.walk(&op.it, 0, what, fn, data); ... }
