# SPDX-License-Identifier: GPL-2.0
# The commands; what they do stands in dev/.

variables := APPEND ARGS COMPARE CONFIG CONSOLE COUNT CPU CPUS DEBUG FMT HUGEPAGES HW ICOUNT KERNEL KSRC MUTANT \
	     PAGES QUANTUM QUICK RECORD ROOT SAN SECS SEEDS STOCK SUITE TESTS TIMEOUT VERIFY
given := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
unknown := $(filter-out $(variables),$(given))

$(if $(unknown),$(error $(unknown): no such variable, `make help` lists them))
$(if $(filter-out npt ept vhe nvhe protected nested riscv,$(HW)),\
	$(error HW=$(HW): there are npt, ept, vhe, nvhe, protected, nested and riscv))
$(foreach flag,CONSOLE COUNT ICOUNT QUICK RECORD STOCK VERIFY,\
	$(if $(filter-out 0 1,$($(flag))),$(error $(flag)=$($(flag)): 1 or 0 is expected)))

$(if $(and $(KERNEL),$(filter-out kunit tree clean,$(or $(MAKECMDGOALS),help))),\
	$(error KERNEL=$(KERNEL): only kunit takes an older kernel))
$(if $(filter-out 0 1 races,$(DEBUG)),$(error DEBUG=$(DEBUG): 1, 0 or races is expected))

# The kernel's own make is to see none of ours.
dev := @env -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES -u MFLAGS
MAKEFLAGS += --no-print-directory
.PHONY: help tree quick kunit stress bench figures model mutants coverage sparse coccicheck patches deb run boot test clean
.NOTPARALLEL:

help:
	@cat dev/help

tree:
	$(dev) dev/tree

quick:
	$(dev) dev/quick

kunit:
	$(dev) dev/kunit

stress:
	$(dev) dev/stress

bench:
	$(dev) dev/bench

figures:
	$(dev) dev/figures

model:
	$(dev) dev/checks/model

mutants:
	$(dev) dev/mutants

coverage:
	$(dev) dev/coverage

sparse:
	$(dev) dev/sparse

patches:
	$(dev) dev/patches

deb:
	$(dev) dev/deb

coccicheck:
	$(dev) dev/coccicheck

run: tree
	$(dev) RUN=1 dev/boot

boot: tree
	$(dev) dev/boot

test:
	$(dev) dev/test

clean:
	rm -rf build
