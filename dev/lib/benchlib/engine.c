// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/arm64_s2.h>
#include <fmt/npt.h>
#include <fmt/riscv_gstage.h>

#include "engine.h"

void engine_flush(struct kpt_tree *tree, const struct kpt_flush *flush)
{
}

DEFINE_ENGINE(npt, kpt_npt);

static kpt_pte_t npt_block(struct kpt_iter *it)
{
	return it->level == 1 ? kpt_uniform_block(&npt_port, it, 0) : 0;
}

static void npt_create(void)
{
	engine_create(&npt_engine, 3, 48);
	npt_engine.attrs = kpt_npt_attrs(KPT_RWX, KPT_FEAT_AD);
	npt_engine.decide = npt_block;
}

static const struct bench_candidate npt = {
	ENGINE_OPERATIONS(npt),
	.name		= "kvm_pgtable npt",
	.empty		= KPT_X86_EMPTY,
	.create		= npt_create,
	.clear_dirty	= npt_clear_dirty,
	.clear_dirty_mask = npt_clear_dirty_mask,
	.age		= npt_age,
};

DEFINE_ENGINE(gstage, kpt_gstage);

static kpt_pte_t gstage_block(struct kpt_iter *it)
{
	return it->level == 1 ? kpt_uniform_block(&gstage_port, it, 0) : 0;
}

static void gstage_create(void)
{
	engine_create(&gstage_engine, 3, 48);
	/* As with Svvptc: generic_pt does not flush what it maps, either. */
	gstage_engine.tree.no_map_flush = true;
	gstage_engine.attrs = kpt_gstage_attrs(KPT_RWX, 0);
	gstage_engine.decide = gstage_block;
}

static const struct bench_candidate gstage = {
	ENGINE_OPERATIONS(gstage),
	.name		= "kvm_pgtable gstage",
	.create		= gstage_create,
	.clear_dirty	= gstage_clear_dirty,
	.clear_dirty_mask = gstage_clear_dirty_mask,
	.age		= gstage_age,
};

DEFINE_ENGINE(stage2, kpt_s2_4k);

static kpt_pte_t stage2_block(struct kpt_iter *it)
{
	return it->level == 1 ? kpt_uniform_block(&stage2_port, it, 0) : 0;
}

static void stage2_create(void)
{
	engine_create(&stage2_engine, 3, 48);
	stage2_engine.attrs = kpt_s2_attrs(KPT_RWX, KPT_FEAT_FWB);
	stage2_engine.decide = stage2_block;
}

static const struct bench_candidate stage2 = {
	ENGINE_OPERATIONS(stage2),
	.name		= "kvm_pgtable stage2",
	.create		= stage2_create,
	.age		= stage2_age,
};

const struct bench_candidate *const bench_candidates[] = {
	&npt,
	&gstage,
	&stage2,
	NULL
};
