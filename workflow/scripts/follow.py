from pathlib import Path

from trialpool.jobs import reported

with reported(snakemake.log[0]):
    from trialpool.evidence.participant_flow import flow_of_files
    from trialpool.figures.flow import describe_flow, draw_flow
    from trialpool.figures.save import save_figure

    table = snakemake.output.table
    flow = flow_of_files(snakemake.input.tables, snakemake.input.effects, snakemake.params.analyses, table)
    rows = flow.to_dict("records")
    save_figure(draw_flow(rows), Path(table).with_suffix(""), description=describe_flow(rows))
