// SPDX-License-Identifier: GPL-2.0-only
/// Port loops of KVM/x86's TDP iterator to the page-table engine.
//# A loop that does what an operation does becomes the operation, one that walks to a
//# page becomes a cursor.
///
// Confidence: Moderate
// Comments: the client brings tdp_port, struct tdp_iter, tdp_init(), tdp_begin(),
//	tdp_level() and kpt_level(), as arch/x86/kvm/mmu/tdp_mmu.c does.  Loops that do
//	anything else stay, and so does a call that a cursor's loop passed its iterator to:
//	they do not compile, as there is no such iterator any more.
// Options: --no-includes --include-headers

virtual patch

@wrprot depends on patch@
iterator name for_each_tdp_pte_min_level;
symbol true, false;
identifier f, iter, retry;
expression kvm, root, floor, from, to;
idexpression new, set;
@@

 f(...)
 {
 ...
- for_each_tdp_pte_min_level(iter, kvm, root, floor, from, to) {
-retry:
-	if (tdp_mmu_iter_cond_resched(kvm, &iter, false, true))
-		continue;
-	if (!is_shadow_present_pte(iter.old_spte) ||
-	    !is_last_spte(iter.old_spte, iter.level) ||
-	    !(iter.old_spte & PT_WRITABLE_MASK))
-		continue;
-	new = iter.old_spte & ~PT_WRITABLE_MASK;
-	if (tdp_mmu_set_spte_atomic(kvm, &iter, new))
-		goto retry;
-	set = true;
- }
+ if (tdp_begin(&tdp, kvm, root, from, to, true)) {
+	KVM_BUG_ON(kpt_wrprot(&tdp_port, &tdp.it, kpt_level(floor), KPT_YIELDS), kvm);
+	set |= kpt_end_noflush(&tdp_port, &tdp.it).scope;
+ }
 ...
 }

@protect depends on patch@
iterator name for_each_tdp_pte_min_level;
symbol true, false;
identifier f, iter;
expression kvm, root, floor, from, to, bits;
idexpression new, set;
@@

 f(...)
 {
 ...
- for_each_tdp_pte_min_level(iter, kvm, root, floor, from, to) {
-	if (!is_shadow_present_pte(iter.old_spte) ||
-	    !is_last_spte(iter.old_spte, iter.level))
-		continue;
-	new = iter.old_spte & ~bits;
-	if (new == iter.old_spte)
-		break;
-	tdp_mmu_iter_set_spte(kvm, &iter, new);
-	set = true;
- }
+ if (tdp_begin(&tdp, kvm, root, from, to, false)) {
+	KVM_BUG_ON(kpt_protect(&tdp_port, &tdp.it, kpt_level(floor), bits, 0), kvm);
+	set |= kpt_end_noflush(&tdp_port, &tdp.it).scope;
+ }
 ...
 }

@clear_dirty depends on patch@
iterator name tdp_root_for_each_pte;
symbol true, false;
identifier f, iter, retry;
expression kvm, root, from, to;
idexpression bit;
@@

 f(...)
 {
 ...
- tdp_root_for_each_pte(iter, kvm, root, from, to) {
-retry:
-	if (!is_shadow_present_pte(iter.old_spte) ||
-	    !is_last_spte(iter.old_spte, iter.level))
-		continue;
-	if (tdp_mmu_iter_cond_resched(kvm, &iter, false, true))
-		continue;
-	KVM_MMU_WARN_ON(...);
-	if (!(iter.old_spte & bit))
-		continue;
-	if (tdp_mmu_set_spte_atomic(kvm, &iter, iter.old_spte & ~bit))
-		goto retry;
- }
+ if (tdp_begin(&tdp, kvm, root, from, to, true)) {
+	KVM_BUG_ON(kpt_clear_dirty(&tdp_port, &tdp.it, bit, KPT_YIELDS), kvm);
+	kpt_end(&tdp_port, &tdp.it);
+ }
 ...
 }

@masked depends on patch@
iterator name tdp_root_for_each_leaf_pte;
symbol true, false;
identifier f, iter;
expression kvm, root, base;
idexpression bit, mask;
@@

 f(...)
 {
 ...
- tdp_root_for_each_leaf_pte(iter, kvm, root, base + __ffs(mask), base + BITS_PER_LONG) {
-	if (!mask)
-		break;
-	KVM_MMU_WARN_ON(...);
-	if (iter.level > PG_LEVEL_4K || !(mask & (1UL << (iter.gfn - base))))
-		continue;
-	mask &= ~(1UL << (iter.gfn - base));
-	if (!(iter.old_spte & bit))
-		continue;
-	iter.old_spte = tdp_mmu_clear_spte_bits(iter.sptep, iter.old_spte, bit, iter.level);
-	trace_kvm_tdp_mmu_spte_changed(...);
- }
+ if (mask && tdp_begin(&tdp, kvm, root, base, base + __fls(mask) + 1, false)) {
+	u64 wanted = mask;
+
+	KVM_BUG_ON(kpt_clear_dirty_mask(&tdp_port, &tdp.it, &wanted, bit), kvm);
+	kpt_end(&tdp_port, &tdp.it);
+ }
 ...
 }

@age depends on patch@
iterator name tdp_root_for_each_leaf_pte, for_each_tdp_mmu_root_rcu;
symbol true, false;
identifier f, iter, helper;
expression kvm, root, from, to;
idexpression young, test_only;
@@

 f(...)
 {
 <+...
- tdp_root_for_each_leaf_pte(iter, kvm, root, from, to) {
-	if (!is_accessed_spte(iter.old_spte))
-		continue;
-	if (test_only)
-		return true;
-	young = true;
-	helper(kvm, &iter);
- }
+ if (tdp_begin(&tdp, kvm, root, from, to, true)) {
+	young |= kpt_age(&tdp_port, &tdp.it, shadow_accessed_mask, test_only);
+	kpt_end(&tdp_port, &tdp.it);
+	if (young && test_only)
+		return true;
+ }
 ...+>
 }

@yields depends on patch@
symbol true, false;
identifier iter;
expression kvm, may_yield;
idexpression flush;
position yield;
@@

 if (may_yield && tdp_mmu_iter_cond_resched@yield(kvm, &iter, flush, false)) {
	flush = false;
	continue;
 }

// A pending flush of the caller is done when this yields, too.
@unmap depends on patch@
iterator name for_each_tdp_pte_min_level;
symbol true, false;
identifier f, iter;
expression kvm, root, from, to, may_yield;
position yields.yield;
idexpression pending;
@@

 f(...)
 {
 ...
- for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_4K, from, to) {
-	if (may_yield && tdp_mmu_iter_cond_resched@yield(kvm, &iter, pending, false))
-		{ ... }
-	if (!is_shadow_present_pte(iter.old_spte) ||
-	    !is_last_spte(iter.old_spte, iter.level))
-		continue;
-	tdp_mmu_iter_set_spte(kvm, &iter, SHADOW_NONPRESENT_VALUE);
-	if (!root->role.invalid)
-		pending = true;
- }
+ if (tdp_begin(&tdp, kvm, root, from, to, false)) {
+	if (pending)
+		kpt_need_flush_all(&tdp.it);
+	KVM_BUG_ON(kpt_unmap(&tdp_port, &tdp.it, may_yield ? KPT_YIELDS : 0), kvm);
+	pending = kpt_end_noflush(&tdp_port, &tdp.it).scope;
+ }
 ...
 }

@zap depends on patch@
iterator name for_each_tdp_pte_min_level_all;
symbol true, false;
identifier f, iter, retry;
expression kvm, root, floor, shared;
@@

 f(...)
 {
 ...
- for_each_tdp_pte_min_level_all(iter, root, floor) {
-retry:
-	if (tdp_mmu_iter_cond_resched(kvm, &iter, false, shared))
-		continue;
-	if (!is_shadow_present_pte(iter.old_spte))
-		continue;
-	if (iter.level > floor)
-		continue;
-	if (!shared)
-		tdp_mmu_iter_set_spte(kvm, &iter, SHADOW_NONPRESENT_VALUE);
-	else if (tdp_mmu_set_spte_atomic(kvm, &iter, SHADOW_NONPRESENT_VALUE))
-		goto retry;
- }
+ if (tdp_begin(&tdp, kvm, root, 0, -1ull, shared)) {
+	KVM_BUG_ON(kpt_zap(&tdp_port, &tdp.it, kpt_level(floor)), kvm);
+	kpt_end(&tdp_port, &tdp.it);
+ }
 ...
 }

// tdp_begin() enters RCU, and a walk that yields must be able to leave it.
@depends on patch@
identifier f = {wrprot.f, protect.f, clear_dirty.f, masked.f, unmap.f};
@@

 f(...)
 {
 <...
(
- rcu_read_lock();
|
- rcu_read_unlock();
)
 ...>
 }

@depends on patch@
identifier zap.f;
identifier g;
@@

 g(...)
 {
 ...
- rcu_read_lock();
 <+...
 f(...)
 ...+>
- rcu_read_unlock();
 }

@depends on patch@
identifier f = {wrprot.f, protect.f, clear_dirty.f, masked.f, age.f, unmap.f, zap.f};
identifier iter;
@@

 f(...)
 {
 ...
- struct tdp_iter iter;
+ struct tdp_iter tdp;
 ... when != iter
 }

@depends on patch@
identifier f = {wrprot.f, protect.f};
identifier new;
@@

 f(...)
 {
 ...
- u64 new;
 ... when != new
 }

@cursor depends on patch@
iterator name for_each_tdp_pte;
identifier f, iter;
expression kvm, root, first;
@@

 f(...)
 {
 ... when any
- for_each_tdp_pte(iter, kvm, root, first, first + 1)
+ tdp_init(&tdp, kvm, root);
+ for (kpt_enter_root(&tdp_port, &tdp.it, gfn_to_gpa(first));;
+      kpt_enter_table(&tdp_port, &tdp.it, gfn_to_gpa(first)))
 {
 ... when any
+ if (!kpt_is_table(&kpt_x86, tdp.it.pte, tdp.it.level))
+	break;
 }
 ... when any
 }

// Only a table has a child.
@depends on patch@
identifier cursor.f;
@@

 f(...)
 {
 <...
 for (kpt_enter_root(...);; kpt_enter_table(...)) {
 <...
- continue;
+ {
+	if (kpt_is_table(&kpt_x86, tdp.it.pte, tdp.it.level))
+		continue;
+	break;
+ }
 ...>
 }
 ...>
 }

@depends on patch@
identifier cursor.f, cursor.iter;
@@

 f(...)
 {
 ...
- struct tdp_iter iter;
+ struct tdp_iter tdp;
 ...
 }

@depends on patch@
identifier cursor.f, cursor.iter;
expression kvm, sp;
@@

 f(...)
 {
 <...
(
- iter.old_spte
+ tdp.it.pte
|
- iter.level
+ tdp_level(tdp.it.level)
|
- iter.gfn
+ gpa_to_gfn(tdp.it.ia)
|
- iter.sptep
+ tdp.it.ptep
|
- tdp_mmu_link_sp(kvm, &iter, sp, true)
+ kpt_link(&tdp_port, &tdp.it, sp->spt, true)
)
 ...>
 }
