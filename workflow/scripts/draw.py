from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.synthesis.job import draw_analysis

    draw_analysis(snakemake.input.record, snakemake.input.multiverse)
