# Writes the reference numbers: Rscript reference.R OUTPUT_FOLDER [topic ...]
suppressMessages({ library(metafor); library(metadat); library(clubSandwich); library(robumeta) })
options(warn = 1)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
for (file in list.files(file.path(here, "R"), full.names = TRUE)) source(file)

arguments <- commandArgs(TRUE)
folder <- arguments[1]
sets <- all_datasets()
topics <- list(  # the longest first: they run side by side
  sparse = list("events by mixed models, penalised regression, over person-time; tests of small-study effects", function() sparse()),
  bayes = list("the normal-normal model by integrate()", function() bayes(sets)),
  multilevel = list("rma.mv with clubSandwich CR2 and robumeta", function() multilevel()),
  selection = list("selmodel(type = 'stepfun'), climbed to the optimum", function() selection(sets)),
  further_bias = list("smooth selection models, tes(), limit meta-analysis, Copas' model, p-uniform", function() further_bias(sets)),
  regression = list("rma.uni with moderators, subgroups, permutest()", function() regression(sets)),
  diagnostics = list("leave-one-out, cumulative, influence() and baujat()", function() diagnostics(sets)),
  further_intervals = list("profile likelihood, generalised Q, Henmi-Copas, IVhet, Kenward-Roger, prediction by name", function() further_intervals(sets)),
  small_study = list("regtest, ranktest, trimfill, fsn", function() small_study(sets)),
  pooling = list("rma.uni: every data set x tau2 method x interval, tau2 solved to the last bit", function() pooling(sets)),
  library = list("the data sets of docs/, as metafor's users ask for them", function() library_pages()),
  tables = list("escalc, rma.mh, rma.peto, and literal conversions", function() tables()),
  dose_response = list("one-stage dose-response models by rma.mv", function() dose_response(sets)),
  network = list("network meta-analysis by rma.mv", function() network()),
  moderator_tests = list("anova(), clubSandwich's Wald_test, likelihood ratios, vif, blup()", function() moderator_tests(sets)),
  models = list("location-scale models; rma.mv with UN, CS, HCS, AR, HAR, CAR and several terms, climbed; vcalc", function() models(sets)),
  missing_outcomes = list("informative missingness written out; sequential boundaries by integration", function() missing_outcomes()),
  network_evidence = list("what a network's evidence consists of, by rma.mv and literally", function() network_evidence()),
  measures = list("escalc of spread, changes and single groups, and the way back", function() measures()),
  readings = list("agreement of two readings: kappa, intraclass correlation, limits", function() reading_agreement()),
  one_group = list("rma.uni of single groups: a review's proportions, rates, means, correlations, changes", function() one_group()))
wanted <- if (length(arguments) > 1) arguments[-1] else names(topics)
run <- function(topic) {
  started <- proc.time()[["elapsed"]]
  write_reference(folder, topic, topics[[topic]][[1]], topics[[topic]][[2]]())
  message(sprintf("%-14s %5.1f s", topic, proc.time()[["elapsed"]] - started))
}
done <- parallel::mclapply(wanted, run, mc.cores = parallel::detectCores(), mc.preschedule = FALSE, mc.set.seed = FALSE)
failed <- vapply(done, inherits, TRUE, "try-error")
if (any(failed)) stop(paste(wanted[failed], done[failed], collapse = "\n"))
