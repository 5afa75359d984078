# Trialpool: from what published trials report to pooled effects, one direction, no way back.
#   snakemake --cores 2                          the shipped review (config/config.yaml)
#   snakemake --cores 2 --configfile FILE        any other review; FILE replaces the shipped configuration
from snakemake.utils import min_version

min_version("9.27")


report: "workflow/report/workflow.rst"


if not workflow.overwrite_configfiles:  # Snakemake would merge the two, so the shipped one is read alone

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/synthesis.smk"
include: "workflow/rules/robustness.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        rules.write_manifest.input.results,  # asked for by name: Snakemake would not miss a lost one otherwise
        rules.write_manifest.output,


rule data:
    input:
        rules.ingest.output,
        rules.harmonise.output,
        effects_of(BATCHES),


rule figures:
    input:
        FOLDERS,
