from trialpool.standby import hand_over

hand_over()

from trialpool.jobs import follow, reported
from trialpool.kept import Kept

with reported(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    kept = Kept(params.kept, params.code)
    out, screening = snakemake.output.table, files.get("screening")
    follow(files.tables, files.effects, params.analyses, out, kept, params.formats, screening or None)
