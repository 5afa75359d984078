# Runs scripts, each in an environment of its own: Rscript reproduce_all.R FILE... prints as CSV of which script, which
# number, its value; first the version of metafor. A script that fails says why on standard error and has no row.
suppressPackageStartupMessages(library(metafor))
cat("metafor,", packageDescription("metafor")$Version, ",\n", sep = "")
for (file in commandArgs(trailingOnly = TRUE)) {
  own <- new.env()
  done <- try(utils::capture.output(suppressWarnings(sys.source(file, own))), silent = TRUE)
  if (inherits(done, "try-error")) message(file, ": ", trimws(done))
  else cat(sprintf("%s,%s,%.15g\n", shQuote(file, "cmd"), names(own$numbers), own$numbers), sep = "")
}
