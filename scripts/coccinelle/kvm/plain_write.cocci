// SPDX-License-Identifier: GPL-2.0-only
/// Find live entries that are written by a plain assignment.
//# A CPU may walk the tables at any time, so an entry must be written with a single store.
//# The compiler may split, repeat or delay a plain assignment.
///
// Confidence: High
// Comments: an entry is recognized by the type of the pointer or, for x86, by its name.  It
//	is live if the function reads it first; otherwise it is a variable of the caller.
// Options: --no-includes --include-headers

virtual patch
virtual context
virtual report

@output exists@
attribute name __uninitialized;
iterator name scoped_guard;
local idexpression P;
expression E, F;
position p;
@@

 *P = E
 ... when any
     when != P = F
     when != P++
 *P@p = F

@written@
typedef kvm_pte_t, pte_t;
kvm_pte_t *A;
pte_t *B;
union pte *C;
union crste *D;
identifier sptep =~ "sptep$";
expression E;
position w != output.p;
@@

(
 *A@w = E
|
 *B@w = E
|
 *C@w = E
|
 *D@w = E
|
 *sptep@w = E
)

@read@
kvm_pte_t *A;
pte_t *B;
union pte *C;
union crste *D;
identifier sptep =~ "sptep$";
position r != written.w;
@@

(
 *A@r
|
 *B@r
|
 *C@r
|
 *D@r
|
 *sptep@r
)

@live exists@
expression P, E;
position read.r, p = {written.w};
@@

 *P@r
 ... when any
     when != P = E
 *P@p = E

@updated@
expression P;
position p = {written.w};
@@

 *P@p = <+... *P ...+>

@found@
expression P, E;
position p = {live.p, updated.p};
@@

 *P@p = E

@depends on context@
expression P, E;
position found.p;
@@

* *P@p = E

@depends on patch@
expression P, E;
position found.p;
@@

- *P@p = E
+ WRITE_ONCE(*P, E)

@script:python depends on report@
p << found.p;
@@

coccilib.report.print_report(p[0], "live entry written plainly")
