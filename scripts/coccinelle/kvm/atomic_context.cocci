// SPDX-License-Identifier: GPL-2.0-only
/// Find sleeping allocations and locks inside of walks, RCU sections and mmu_lock.
//# A walk runs under RCU, and usually under mmu_lock.  Sleeping there delays grace periods
//# and all faulting vCPUs.  Fill a cache before taking the lock, as for kpt_split(), or
//# end the operation, sleep, and begin a new one at kpt_done().
///
// Confidence: Moderate
// Comments: a function of the same file that allocates with GFP_KERNEL is recognized, a
//	function of another file only if its name is listed here.
// Options: --no-includes --include-headers

virtual context
virtual report

@initialize:python@
@@

sleepers = set("""
cond_resched copy_from_user copy_to_user down_read down_write kvm_mmu_topup_memory_cache
__kvm_mmu_topup_memory_cache kvm_read_guest kvm_write_guest might_sleep mmap_read_lock
mmap_write_lock msleep mutex_lock rcu_barrier schedule synchronize_rcu synchronize_srcu
vmalloc vzalloc wait_for_completion
""".split())
begins = {"rcu_read_lock", "kpt_begin"}

@inner@
attribute name __uninitialized;
iterator name scoped_guard;
identifier f, begin : script:python() { begin == "kpt_begin" };
@@

 f(...)
 {
 <+...
 return <+... begin(...) ...+>;
 ...+>
 }

@script:python@
f << inner.f;
@@

begins.add(f)

@sleeper@
identifier f, alloc;
@@

 f(...)
 {
 <+...
(
 alloc(..., GFP_KERNEL, ...)
|
 alloc(..., GFP_KERNEL_ACCOUNT, ...)
)
 ...+>
 }

@script:python@
f << sleeper.f;
@@

sleepers.add(f)

@section exists@
identifier begin : script:python() { begin in begins };
identifier end =~ "^(rcu_read_unlock|kpt_end|kpt_end_noflush)$";
identifier sleep : script:python() { sleep in sleepers };
identifier alloc;
position p;
@@

 begin(...)
 ... when != end(...)
(
 sleep@p(...)
|
 alloc@p(..., GFP_KERNEL, ...)
|
 alloc@p(..., GFP_KERNEL_ACCOUNT, ...)
)
 ... when any
 end(...)

@locked exists@
expression kvm;
identifier lock =~ "^(read|write|spin)_lock$";
identifier unlock =~ "^(read|write|spin)_unlock$|^cond_resched_rwlock";
identifier sleep : script:python() { sleep in sleepers };
identifier alloc;
position p;
@@

 lock(&kvm->mmu_lock)
 ... when != unlock(&kvm->mmu_lock)
(
 sleep@p(...)
|
 alloc@p(..., GFP_KERNEL, ...)
|
 alloc@p(..., GFP_KERNEL_ACCOUNT, ...)
)

@visitor@
expression port, it, floor, what, arg;
identifier visit;
@@

(
 port->walk(it, floor, what, visit, arg)
|
 port.walk(it, floor, what, visit, arg)
|
 kpt_collapse(port, it, floor, visit)
)

@visiting@
identifier visitor.visit;
identifier sleep : script:python() { sleep in sleepers };
identifier alloc;
position p;
@@

 visit(...)
 {
 <+...
(
 sleep@p(...)
|
 alloc@p(..., GFP_KERNEL, ...)
|
 alloc@p(..., GFP_KERNEL_ACCOUNT, ...)
)
 ...+>
 }

@env@
identifier e, member != yield, callback;
@@

 struct kpt_ops e = { .member = callback, };

@called@
identifier env.callback;
identifier sleep : script:python() { sleep in sleepers };
identifier alloc;
position p;
@@

 callback(...)
 {
 <+...
(
 sleep@p(...)
|
 alloc@p(..., GFP_KERNEL, ...)
|
 alloc@p(..., GFP_KERNEL_ACCOUNT, ...)
)
 ...+>
 }

@found@
identifier f;
position p = {section.p, locked.p, visiting.p, called.p};
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

coccilib.report.print_report(p[0], "%s() may sleep inside of a walk or a section that must not" % f)
