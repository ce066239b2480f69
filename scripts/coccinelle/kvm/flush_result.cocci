// SPDX-License-Identifier: GPL-2.0-only
/// Find flushes that are missing, or that are done after the lock is dropped.
//# The entry is removed, but CPUs may still use the cached translation.  An MMU notifier
//# that takes the lock in between finds nothing to unmap, so it does not flush, and the
//# page is reused.  Flush before dropping the lock.
///
// Confidence: Moderate
// Comments: the flush for write-protecting pages for the dirty log may be done later, before
//	user space sees the log, and after a split no flush is needed.  Such functions are
//	recognized by their names.
// Options: --no-includes --include-headers

virtual context
virtual report

@forgotten exists@
attribute name __uninitialized;
iterator name scoped_guard;
local idexpression struct kpt_flush D;
identifier f;
identifier take =~ "^kpt_(end_noflush|gather_take_flush|flush_take)$";
position p;
@@

 f(...)
 {
 ... when any
 D = take@p(...)
 ... when != D
 }

@unlocked exists@
local idexpression F;
identifier removed !~ "clean|dirty|protect|split|wrprot|_wp_|write|young";
identifier unlock =~ "^(write|read|spin)_unlock$|^KVM_MMU_UNLOCK$";
identifier flush =~ "flush";
expression E, lock;
position p;
@@

(
 F = removed(...)
|
 F |= removed(...)
)
 ... when != flush(...)
     when != F = E
 unlock@p(&lock->mmu_lock)
 ... when != F = E
 if (<+... F ...+>) flush(...);

@yielded exists@
local idexpression F;
identifier removed !~ "flush";
identifier yield =~ "^cond_resched_rwlock_(read|write)$";
identifier flush =~ "flush";
expression E, lock;
position p;
@@

 F |= removed(...)
 ... when != flush(...)
     when != F = E
     when != if (<+... F ...+>) { ... flush(...); ... }
 yield@p(&lock->mmu_lock)

@depends on context@
identifier f;
position p = {forgotten.p, unlocked.p, yielded.p};
@@

* f@p(...)

@script:python depends on report@
p << forgotten.p;
@@

coccilib.report.print_report(p[0], "the flush is neither done nor returned, on some path")

@script:python depends on report@
p << unlocked.p;
@@

coccilib.report.print_report(p[0], "lock dropped before the flush")

@script:python depends on report@
p << yielded.p;
@@

coccilib.report.print_report(p[0], "lock yielded before the flush")
