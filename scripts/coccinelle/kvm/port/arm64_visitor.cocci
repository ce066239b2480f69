// SPDX-License-Identifier: GPL-2.0-only
/// Port visitors of KVM/arm64's page-table walker to the page-table engine.
//# The context becomes the port, the walk and the visit.  What froze an entry and made
//# it anew, or linked a table, becomes one change; a walker becomes a range walk.
///
// Confidence: Moderate
// Comments: the client brings s2_port, hyp_port, struct pgt_op, to_op(), arm_level(),
//	pgt_op_init(), pgt_begin() and s2_begin(), as arch/arm64/kvm/hyp/pgtable.c does.  References to a
//	table's page are counted by its &kpt_env.changed, TLBs and caches are maintained by
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
+ new = kpt_make_table(port, w->tree, childp);
+ if (kpt_frozen(port->format, v->pte) ||
+     kpt_commit_slowly(port, w, v, new, kpt_classify(port->format, v->pte, new, v->level)))
 {
 ...
 return -EAGAIN;
 }
- new = kvm_init_table_pte(childp, ops);
- stage2_make_pte(c, new);
- return 0;
+ v->pte = new;
+ return KPT_NEXT;
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
+ return kpt_link(port, w, v, childp);
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
+ const struct kpt_port *port, struct kpt_walk *w, struct kpt_visit *v
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
+ kpt_is_table(port->format, v->pte, v->level)
|
- kvm_granule_size(c->level)
+ kpt_span(port->format, v->level)
|
- kvm_pgtable_walk_shared(c)
+ w->shared
|
- c->old
+ v->pte
|
- c->level
+ arm_level(v->level)
|
- c->addr
+ max(v->ia, w->start)
|
- c->start
+ w->start
|
- c->end
+ w->end
|
- c->mm_ops
+ to_op(w->tree)->mm_ops
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
+ kpt_change(port, w, v, new)
 ...>
 }

@depends on patch@
identifier helper.g;
symbol ctx;
@@

(
- g(ctx)
+ g(port, w, v)
|
- g(ctx,
+ g(port, w, v,
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
	"KVM_PGTABLE_WALK_TABLE_POST": "KPT_EMPTIED",
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
fresh identifier port = script:python(fn) { "hyp_port" if fn.startswith("hyp_") else "s2_port" };
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
+	ret = kpt_walk_range(&port, &op.walk, 0, what, fn, data);
+	kpt_end(&port, &op.walk);
+ }
+ ret = min(ret, 0);

// Where nobody shares the tables nothing keeps the allocation of one from sleeping.
@depends on patch@
symbol op, false, hyp_port;
expression pgt, addr, size, ret;
@@

+ pgt_op_init(&op, pgt, true);
  ret =
- s2_begin(&op, pgt, addr, size, false)
+ pgt_begin(&hyp_port, &op, pgt, addr, size, false)
  ;
  if (!ret) { ret = kpt_walk_range(&hyp_port, ...); ... }
