// SPDX-License-Identifier: GPL-2.0-only
/// Find operations that are begun and not ended.
//# kpt_begin() enters an RCU read-side section and initializes the gather.  kpt_end() and
//# kpt_end_noflush() flush, free unlinked tables, and leave the section.
///
// Confidence: High
// Comments: a function that returns the result of kpt_begin() begins an operation, too, and
//	one that calls kpt_end() or kpt_end_noflush() ends it.
// Options: --no-includes --include-headers

virtual context
virtual report

@initialize:python@
@@

begins = {"kpt_begin"}
ends = {"kpt_end", "kpt_end_noflush"}

@inner@
attribute name __uninitialized;
iterator name scoped_guard;
identifier f, begin : script:python() { begin in begins };
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

@outer@
identifier f, begin : script:python() { begin in begins };
@@

 f(...)
 {
 <+...
 return <+... begin(...) ...+>;
 ...+>
 }

@script:python@
f << outer.f;
@@

begins.add(f)

@ender@
identifier f, w, part, end : script:python() { end in ends };
type T;
@@

 f(..., T w, ...)
 {
 <+...
(
 end(..., w)
|
 end(..., &w->part)
)
 ...+>
 }

@script:python@
f << ender.f;
@@

ends.add(f)

@left exists@
identifier f;
identifier begin : script:python() { begin in begins };
identifier end : script:python() { end in ends };
identifier use : script:python() { use not in begins | ends };
identifier part;
local idexpression w;
position p;
@@

 f(...)
 {
 ... when any
(
 begin@p(..., &w, ...)
|
 begin@p(..., &w.part, ...)
)
 ... when != end(...)
     when any
(
 use(..., &w, ...)
|
 use(..., &w.part, ...)
)
 ... when != end(...)
 }

@depends on context@
identifier begin;
position left.p;
@@

* begin@p(...)

@script:python depends on report@
p << left.p;
@@

coccilib.report.print_report(p[0], "operation is not ended on some path")
