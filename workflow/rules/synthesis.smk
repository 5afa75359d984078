# processed -> one record an analysis, and its forest plot.


rule pool:
    input:
        tables=effects_of,
        code=code("stats", "synthesis", "figures", "report/tables.py", "report/words.py"),
    output:
        record=f"{RESULTS}/analyses/{{analysis}}/result.json",
        studies=f"{RESULTS}/analyses/{{analysis}}/studies.csv",
        forest=multiext(f"{RESULTS}/analyses/{{analysis}}/forest", ".svg", ".pdf", ".png"),
    params:
        spec=analysis_spec,
    log:
        f"{RESULTS}/logs/pool/{{analysis}}.log",
    script:
        "../scripts/pool.py"
