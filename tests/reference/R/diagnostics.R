# Leave-one-out, cumulative, influence and Baujat coordinates. Every deleted fit has its tau^2 solved to the last bit;
# influence() refits by itself from a tightened start and must find the same deleted tau^2.

DIAGNOSED <- c("bcg_rr", "bcg_rd", "hine_rd", "collins_preeclampsia_or", "collins_stillbirth_peto", "egger_or", "li_or",
  "linde_rr", "lau_or", "hahn_rr", "damico_or", "nielweise_or", "dorn_rr", "laopaiboon_rr", "viechtbauer_or",
  "normand_smd", "normand_md", "gibson_smd", "michael_md", "raudenbush_smd", "hackshaw_or", "baskerville_smd",
  "begg_log_survival", "molloy_z", "cohen_z", "bcg_first_three", "normand_smd_first_four", "between_but_quiet",
  "empty_q_profile", "equal_variances", "one_giant", "huge_units", "bangertdrowns_smd")
COMBINATIONS <- list(REML_hksj_adhoc = c("REML", "adhoc"), DL_wald = c("DL", "z"), REML_wald = c("REML", "z"))

subset_fits <- function(y, v, subsets, method, test) {
  fits <- lapply(subsets, function(s) tight(y[s], v[s], method = method, test = test))
  pick <- function(name) arr(vapply(fits, function(f) c(f[[name]]), 0))
  list(estimate = pick("beta"), se = pick("se"), ci_low = pick("ci.lb"), ci_high = pick("ci.ub"),
    p_value = pick("pval"), tau2 = pick("tau2"), q = pick("QE"), i2 = pick("I2"), h2 = pick("H2"))
}

influence_record <- function(y, v, method, test, deleted) {
  fit <- tight(y, v, method = method, test = test)
  fit$control <- modifyList(as.list(fit$control), list(tau2.init = NULL, threshold = 1e-14 * mean(v), maxiter = 100000))
  theirs <- influence(fit)
  gap <- max(abs(theirs$inf$tau2.del - deleted$tau2$values) / (deleted$tau2$values + min(v)))
  if (gap > 1e-9) stop("influence(): deleted tau2 differs by ", gap)
  columns <- c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat", "weight")
  out <- lapply(unclass(theirs$inf)[columns], arr)
  names(out) <- c("rstudent", "dffits", "cook", "cov_ratio", "tau2_deleted", "q_deleted", "hat", "weight")
  c(out, list(dfbetas = arr(unclass(theirs$dfbs)[[1]]), influential = arr(theirs$is.infl)))
}

diagnostics_record <- function(set) {
  y <- set$effects; v <- set$variances; k <- length(y)
  one <- function(combination) {
    method <- combination[1]; test <- combination[2]
    left_out <- subset_fits(y, v, lapply(seq_len(k), function(i) -i), method, test)
    if (identical(unname(combination), c("REML", "z"))) return(list(influence = influence_record(y, v, method, test, left_out)))
    list(leave_one_out = left_out,
      cumulative_from_two = subset_fits(y, v, lapply(2:k, seq_len), method, test),
      influence = influence_record(y, v, method, test, left_out))
  }
  fixed <- tight(y, v, method = "FE")
  random <- tight(y, v)
  points <- function(fit) {
    pdf(NULL)
    on.exit(dev.off())
    b <- baujat(fit)
    list(x = arr(b$x), y = arr(b$y))
  }
  c(list(k = k), lapply(COMBINATIONS, one), list(baujat_FE = points(fixed), baujat_REML = points(random)))
}

# All subsets of at least two studies; subset i holds the studies that are the bits of i.
gosh_record <- function(set) {
  y <- set$effects; v <- set$variances; k <- length(y)
  subsets <- lapply(seq_len(2^k - 1), function(i) which(bitwAnd(i, 2^(0:(k - 1))) > 0))
  fits <- lapply(Filter(function(s) length(s) > 1, subsets), function(s) tight(y[s], v[s]))
  pick <- function(name) arr(vapply(fits, function(f) c(f[[name]]), 0))
  list(estimate = pick("beta"), tau2 = pick("tau2"), i2 = pick("I2"))
}

diagnostics <- function(sets) list(gosh = lapply(sets[c("hine_rd", "between_but_quiet", "normand_smd")], gosh_record),
  datasets = Map(function(set, name) {
  tryCatch(diagnostics_record(set), error = function(e) stop(name, ": ", conditionMessage(e)))
}, sets[DIAGNOSED], DIAGNOSED))
