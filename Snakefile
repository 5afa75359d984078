# The workflow is in workflow/Snakefile; this lets `snakemake` find it from here, with the same target.
include: "workflow/Snakefile"


rule review:  # an included file cannot say what is made by default
    default_target: True
    input:
        rules.all.input,
