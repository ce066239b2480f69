// SPDX-License-Identifier: GPL-2.0-only
/// Port loops that look up KVM/riscv's leaves one by one to the page-table engine.
//# Each lookup starts at the root.  A walk continues from leaf to leaf, and flushes before it
//# drops the lock.
///
// Confidence: Moderate
// Comments: the client brings gstage_port, struct gstage_tree with a struct kpt_tree called
//	tree, and gstage_begin(), which is false if the range is empty.  Levels are counted
//	alike.  Write protection by mask is not ported, as kpt_clear_dirty_mask() passes over blocks;
//	what used the entry's address is for people, and does not compile.
// Options: --no-includes --include-headers

virtual patch

@wrprot depends on patch@
identifier f, addr, ptep, level, found, ret, bytes;
expression gstage, from, to;
idexpression flush;
type T;
@@

 f(...)
 {
 ...
- T addr = from;
 ...
- while (addr < to) {
-	found = kvm_riscv_gstage_get_leaf(gstage, addr, &ptep, &level);
-	ret = gstage_level_to_page_size(gstage, level, &bytes);
-	if (ret)
-		break;
-	if (!found) {
-		addr = ALIGN(addr + 1, bytes);
-	} else {
-		addr = ALIGN_DOWN(addr, bytes);
-		flush |= kvm_riscv_gstage_op_pte(gstage, addr, ptep, level, GSTAGE_OP_WP);
-		addr += bytes;
-	}
- }
+ if (gstage_begin(&tree, &it, gstage, from, to, false)) {
+	WARN_ON(kpt_wrprot(&gstage_port, &it, 0, 0));
+	flush |= kpt_end_noflush(&gstage_port, &it).scope;
+ }
 ...
 }

// A block that reaches over an end of the range stays, as before.
@unmap depends on patch@
attribute name __always_inline;
identifier f, addr, ptep, depth, found, ret, bytes;
fresh identifier visitor = f ## "_visitor";
expression gstage, to, may_yield;
expression message;
idexpression flush;
@@

+ static int
+ visitor(struct kpt_iter *it, void *arg)
+ {
+	u64 behind = it->ia + it->span;
+
+	if (it->ia >= it->start && behind <= it->end)
+		return gstage_port.commit(it, kpt_gstage.empty, KPT_UNMAP, false);
+	WARN_ONCE(1, message, it->ia, it->end, (unsigned long)it->span);
+	return 0;
+ }
+
 f(...)
 {
 ...
- while (addr < to) {
-	found = kvm_riscv_gstage_get_leaf(gstage, addr, &ptep, &depth);
-	ret = gstage_level_to_page_size(gstage, depth, &bytes);
-	if (ret)
-		break;
-	if (!found) {
-		addr = ALIGN(addr + 1, bytes);
-	} else {
-		if (!(addr & (bytes - 1)) && ((to - addr) >= bytes))
-			flush |= kvm_riscv_gstage_op_pte(gstage, addr, ptep, depth,
-							 GSTAGE_OP_CLEAR);
-		else {
-			WARN_ONCE(1, message, addr, to, bytes);
-		}
-		addr += bytes;
-	}
-	if (may_yield && addr < to)
-		cond_resched_rwlock_write(&gstage->kvm->mmu_lock);
- }
+ if (gstage_begin(&tree, &it, gstage, addr, to, false)) {
+	WARN_ON(gstage_port.walk(&it, 0, KPT_LEAVES | (may_yield ? KPT_YIELDS : 0), visitor, NULL));
+	flush |= kpt_end_noflush(&gstage_port, &it).scope;
+ }
 ...
 }

@age depends on patch@
symbol false;
identifier f, ptep, level, gstage;
expression from;
@@

 f(...)
 {
 ...
- if (!kvm_riscv_gstage_get_leaf(&gstage, from, &ptep, &level))
+ if (!gstage_begin(&tree, &it, &gstage, from, (from) + PAGE_SIZE, true))
	return false;
(
- return ptep_test_and_clear_young(NULL, 0, ptep);
+ young = kpt_age(&gstage_port, &it, KPT_GSTAGE_ACCESSED, false);
+ kpt_end(&gstage_port, &it);
+ return young;
|
- return pte_young(ptep_get(ptep));
+ young = kpt_age(&gstage_port, &it, KPT_GSTAGE_ACCESSED, true);
+ kpt_end(&gstage_port, &it);
+ return young;
)
 }

@depends on patch@
identifier f = {wrprot.f, unmap.f};
identifier ret;
@@

 f(...)
 {
- int ret;
+ struct gstage_tree tree;
+ struct kpt_iter it;
 ...
 }

@depends on patch@
identifier f = {wrprot.f, unmap.f};
identifier ptep, level, found, bytes;
@@

 f(...)
 {
 ...
- pte_t *ptep;
- u32 level;
- bool found;
 ...
- unsigned long bytes;
 ...
 }

@depends on patch@
identifier age.f, age.ptep, age.level;
@@

 f(...)
 {
- pte_t *ptep;
- u32 level = 0;
+ struct gstage_tree tree;
+ struct kpt_iter it;
+ bool young;
 ...
 }
