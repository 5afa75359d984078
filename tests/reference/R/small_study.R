# Small-study effects: regression tests, rank test, trim and fill, fail-safe N.

ASYMMETRY <- c("bcg_rr", "collins_preeclampsia_or", "egger_or", "lee_or", "li_or", "linde_rr", "lau_or", "graves_rr",
  "damico_or", "dorn_rr", "landenberger_or", "laopaiboon_rr", "vanhowe_or", "anand_or", "viechtbauer_or",
  "hartmannboyce_rr", "normand_smd", "gibson_smd", "curtis_rom", "raudenbush_smd", "hackshaw_or", "bangertdrowns_smd",
  "baskerville_smd", "begg_log_survival", "lehmann_smd", "kalaian_smd", "riley_hazard", "pignon_hazard", "mcdaniel_z",
  "molloy_z", "cohen_z", "crede_z", "hine_rd")

# Intercept (the limit estimate) and slope of a regression test.
line <- function(b, se, statistic, p, df) list(intercept = b[1], intercept_se = se[1], slope = b[2], slope_se = se[2],
  statistic = statistic[2], p_value = p[2], df = df)

least_squares <- function(y, v, x) {
  fit <- summary(lm(y ~ x, weights = 1 / v))
  b <- coef(fit)
  test <- suppressWarnings(regtest(y, v, model = "lm"))
  if (identical(x, sqrt(v))) stopifnot(all.equal(test$zval, b[2, 3], tolerance = 1e-10))
  line(unname(b[, 1]), unname(b[, 2]), unname(b[, 3]), unname(b[, 4]), fit$df[2])
}

mixed <- function(y, v, x, test) {
  fit <- tight(y, v, cbind(1, x), test = test)
  line(c(fit$beta), fit$se, fit$zval, fit$pval, if (test == "z") Inf else fit$k - 2)
}

# trimfill() refits at metafor's default tolerance unless it is handed a control; k0 is an integer, so the tight fit of
# the filled data is the exact answer once k0 and the filled studies are known.
filled <- function(y, v, method, estimator) {
  fit <- tight(y, v, method = method)
  control <- list(threshold = 1e-12 * mean(v), maxiter = 100000, tol = 1e-12 * mean(v))
  theirs <- tryCatch(suppressWarnings(trimfill(fit, estimator = estimator, control = control)), error = function(e) NULL)
  if (is.null(theirs)) return(NULL)
  again <- tight(c(theirs$yi), theirs$vi, method = method)
  list(k0 = theirs$k0, k0_se = theirs$se.k0, side = theirs$side, estimate = c(again$beta), se = again$se,
    ci_low = again$ci.lb, ci_high = again$ci.ub, tau2 = again$tau2,
    filled_effects = arr(theirs$yi[theirs$fill]), filled_variances = arr(theirs$vi[theirs$fill]))
}

asymmetry_record <- function(set) {
  y <- set$effects; v <- set$variances
  begg <- suppressWarnings(ranktest(y, v))
  trims <- list()
  for (method in c("FE", "DL", "REML")) for (estimator in c("L0", "R0", "Q0")) {
    trims[[paste(method, estimator, sep = "_")]] <- filled(y, v, method, estimator)
  }
  names <- c(se = "se", variance = "variance")
  predictors <- list(se = sqrt(v), variance = v)
  list(effects = arr(y), variances = arr(v), least_squares = lapply(predictors, function(x) least_squares(y, v, x)),
    mixed_wald = lapply(predictors, function(x) mixed(y, v, x, "z")),
    mixed_hksj = lapply(predictors, function(x) mixed(y, v, x, "knha")),
    begg = list(tau = unname(begg$tau), p_value = begg$pval, ties = anyDuplicated(v) > 0),
    trim_and_fill = trims,
    fail_safe = list(rosenthal = fsn(y, v)$fsnum, orwin = fsn(y, v, type = "Orwin")$fsnum,
      orwin_target = signif(mean(y) / 3, 6),
      orwin_at_target = fsn(y, v, type = "Orwin", target = signif(mean(y) / 3, 6))$fsnum,
      rosenberg = fsn(y, v, type = "Rosenberg")$fsnum))
}

# Standardised mean differences with the precision predictor that does not depend on the effect itself.
by_sample_size <- function() {
  record <- function(data, name) {
    e <- escalc(measure = "SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = data)
    y <- signif(c(e$yi), 12); v <- signif(c(e$vi), 12)
    x <- sqrt(1 / data$n1i + 1 / data$n2i)
    list(effects = arr(y), variances = arr(v), n1 = arr(data$n1i), n2 = arr(data$n2i),
      least_squares = least_squares(y, v, x), mixed_wald = mixed(y, v, x, "z"))
  }
  list(normand = record(dat.normand1999, "normand"), gibson = record(na.omit(dat.gibson2002[, c(3:8)]), "gibson"))
}

# Studies printed twice or thrice: ties among effects and variances at once.
tied <- inputs(c(.1, .1, .1, .3, .3, .3, .5, .2, .2, .05), c(.01, .01, .01, .04, .04, .04, .09, .02, .02, .03),
  "constructed: repeated studies", "GEN")

small_study <- function(sets) list(
  datasets = Map(function(set, name) tryCatch(asymmetry_record(set), error = function(e) stop(name, ": ", conditionMessage(e))),
    c(sets[ASYMMETRY], list(repeated_studies = tied)), c(ASYMMETRY, "repeated_studies")),
  sample_size = by_sample_size())
