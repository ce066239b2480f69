// SPDX-License-Identifier: GPL-2.0-only
#include <linux/string.h>

#include <kunit/test.h>
#include <fmt/arm64_hyp.h>
#include <fmt/arm64_s2.h>
#include <fmt/ept.h>
#include <fmt/loongarch.h>
#include <fmt/npt.h>
#include <fmt/riscv_gstage.h>

#include "configs.h"
#include "tlb.h"

#define TREE(descriptor, cpu, port) \
	.format = &kpt_##descriptor, .arch = &kpt_cpu_##cpu, .run = kpt_run_##port

#define EPT		TREE(ept, ept, ept), .features = KPT_FEAT_AD
#define EPT_COUNTED	TREE(ept, ept, ept_counted), .features = KPT_FEAT_AD, .no_events = true
#define EPT_NOAD	TREE(ept, ept, ept_noad), .saved = KPT_EPT_SAVED << KPT_EPT_SAVED_SHIFT
#define NPT		TREE(npt, npt, npt), .features = KPT_FEAT_AD
#define S2(granule)	TREE(s2_##granule, s2_##granule, s2_##granule)
#define HYP(granule)	TREE(hyp_##granule, hyp_##granule, hyp_##granule)
#define HVHE_4K		TREE(hvhe_4k, hvhe_4k, hvhe_4k)
#define GSTAGE		TREE(gstage, gstage, gstage), .features = KPT_FEAT_AD
#define GSTAGE_NOADU	TREE(gstage, gstage, gstage)
#define GSTAGE_SVVPTC	TREE(gstage, gstage_svvptc, gstage), .features = KPT_FEAT_AD, \
			.no_map_flush = true
#define LOONGARCH	TREE(loongarch, loongarch, loongarch)
#define LOONGARCH_PTW	LOONGARCH, .features = KPT_FEAT_AD

const struct kpt_config kpt_configs[] = {
	{ .name = "ept_4level", EPT, .levels = 4, .ia_bits = 48 },
	{ .name = "ept_5level", EPT, .levels = 5, .ia_bits = 57 },
	{ .name = "ept_4level_shared", EPT, .levels = 4, .ia_bits = 48, .ia_base = BIT_ULL(47) },
	{ .name = "ept_5level_shared", EPT, .levels = 5, .ia_bits = 57, .ia_base = BIT_ULL(51) },
	{ .name = "ept_4level_counted", EPT_COUNTED, .levels = 4, .ia_bits = 48 },
	{ .name = "ept_4level_noad", EPT_NOAD, .levels = 4, .ia_bits = 48 },
	{ .name = "ept_5level_noad", EPT_NOAD, .levels = 5, .ia_bits = 57 },
	{ .name = "npt_4level", NPT, .levels = 4, .ia_bits = 48 },
	{ .name = "npt_5level", NPT, .levels = 5, .ia_bits = 57 },
	{ .name = "npt_4level_shared", NPT, .levels = 4, .ia_bits = 48, .ia_base = BIT_ULL(47) },
	{ .name = "npt_5level_shared", NPT, .levels = 5, .ia_bits = 57, .ia_base = BIT_ULL(51) },
	{ .name = "stage2_4k", S2(4k), .levels = 4, .ia_bits = 48 },
	{ .name = "stage2_4k_16roots", S2(4k), .levels = 3, .ia_bits = 43 },
	{ .name = "stage2_4k_fwb", S2(4k), .levels = 4, .ia_bits = 48, .features = KPT_FEAT_FWB },
	{ .name = "stage2_4k_xnx", S2(4k), .levels = 4, .ia_bits = 48, .features = KPT_FEAT_XNX },
	{ .name = "stage2_4k_bbml3", S2(4k), .levels = 4, .ia_bits = 48, .no_break = true },
	{ .name = "stage2_4k_lpa2", S2(4k_lpa2), .levels = 5, .ia_bits = 52 },
	{ .name = "stage2_16k", S2(16k), .levels = 3, .ia_bits = 47 },
	{ .name = "stage2_16k_16roots", S2(16k), .levels = 2, .ia_bits = 40 },
	{ .name = "stage2_16k_bbml3", S2(16k), .levels = 3, .ia_bits = 47, .no_break = true },
	{ .name = "stage2_16k_lpa2", S2(16k_lpa2), .levels = 4, .ia_bits = 52 },
	{ .name = "stage2_64k", S2(64k), .levels = 3, .ia_bits = 48 },
	{ .name = "stage2_64k_16roots", S2(64k), .levels = 2, .ia_bits = 46 },
	{ .name = "stage2_64k_bbml3", S2(64k), .levels = 3, .ia_bits = 48, .no_break = true },
	{ .name = "stage2_64k_lpa", S2(64k_lpa), .levels = 3, .ia_bits = 52 },
	{ .name = "hyp_4k", HYP(4k), .levels = 4, .ia_bits = 48 },
	{ .name = "hyp_4k_lpa2", HYP(4k_lpa2), .levels = 5, .ia_bits = 52 },
	{ .name = "hyp_16k", HYP(16k), .levels = 4, .ia_bits = 48 },
	{ .name = "hyp_16k_lpa2", HYP(16k_lpa2), .levels = 4, .ia_bits = 52 },
	{ .name = "hyp_64k", HYP(64k), .levels = 3, .ia_bits = 48 },
	{ .name = "hyp_64k_lpa", HYP(64k_lpa), .levels = 3, .ia_bits = 52 },
	{ .name = "hvhe_4k", HVHE_4K, .levels = 4, .ia_bits = 48 },
	{ .name = "gstage_sv39x4", GSTAGE, .levels = 3, .ia_bits = 41 },
	{ .name = "gstage_sv48x4", GSTAGE, .levels = 4, .ia_bits = 50 },
	{ .name = "gstage_sv57x4", GSTAGE, .levels = 5, .ia_bits = 59 },
	{ .name = "gstage_sv39x4_noadu", GSTAGE_NOADU, .levels = 3, .ia_bits = 41 },
	{ .name = "gstage_sv48x4_svvptc", GSTAGE_SVVPTC, .levels = 4, .ia_bits = 50 },
	{ .name = "loongarch_3level", LOONGARCH, .levels = 3, .ia_bits = 47 },
	{ .name = "loongarch_3level_ptw", LOONGARCH_PTW, .levels = 3, .ia_bits = 47 },
	{ .name = "loongarch_4level_ptw", LOONGARCH_PTW, .levels = 4, .ia_bits = 58 },
	{}
};

const struct kpt_config kpt_mirror_config = {
	.name = "ept_mirror",
	.format = &kpt_ept,
	.arch = &kpt_cpu_ept,
	.run = kpt_run_ept_mirror,
	.features = KPT_FEAT_AD,
	.levels = 4,
	.ia_bits = 48,
	.no_events = true,
};

const void *kpt_next_config_where(const void *prev, char *desc,
				  bool (*is_wanted)(const struct kpt_config *config))
{
	const struct kpt_config *next = prev ? (const struct kpt_config *)prev + 1 : kpt_configs;

	while (next->name && is_wanted && !is_wanted(next))
		next++;
	if (!next->name)
		return NULL;
	strscpy(desc, next->name, KUNIT_PARAM_DESC_SIZE);
	return next;
}

const void *kpt_next_config(struct kunit *test, const void *prev, char *desc)
{
	return kpt_next_config_where(prev, desc, NULL);
}
