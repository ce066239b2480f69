// SPDX-License-Identifier: GPL-2.0-only
/// Find live entries that are written by a plain assignment.
//# A CPU that walks the tables may read the entry at any moment, so it must be
//# written at once.  The compiler may write a plain variable in parts, twice, or
//# later than the code says.
///
// Confidence: High
// Comments: an entry is told by its pointer's type, or as x86's by the name.  It is live if
//	the function read it first; one that only receives a value is the caller's variable.
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
