from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.synthesis.review import draw_moderators_of

    draw_moderators_of(snakemake.input.record)
