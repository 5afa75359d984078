# Pooling: every data set x every tau^2 method x every interval.

interval_record <- function(fit, test) {
  half <- sqrt(fit$tau2 + fit$se^2)
  quantile <- if (test == "z") qnorm(.975) else qt(.975, fit$k - 1)
  if (fit$method != "FE") {
    theirs <- predict(fit)
    stopifnot(all.equal(theirs$pi.ub, c(fit$beta) + quantile * half, tolerance = 1e-12))
  }
  list(estimate = c(fit$beta), se = fit$se, ci_low = fit$ci.lb, ci_high = fit$ci.ub, statistic = fit$zval,
    df = if (test == "z") Inf else fit$k - 1, p_value = fit$pval,
    pi_low = if (fit$method == "FE") NA else c(fit$beta) - quantile * half,
    pi_high = if (fit$method == "FE") NA else c(fit$beta) + quantile * half)
}

method_record <- function(set, method) {
  y <- set$effects; v <- set$variances
  fits <- lapply(TESTS, function(test) tight(y, v, method = method, test = test))
  plain <- fits$wald
  start <- NULL
  if (method %in% ITERATIVE) {
    cold <- tryCatch(suppressWarnings(rma(y, v, method = method,
      control = list(maxiter = 10000, threshold = 1e-10 * mean(v), tol = 1e-12 * mean(v), tau2.max = 1e4 * max(v, var(y))))$tau2),
      error = function(e) NA)
    if (is.na(cold) || abs(cold - plain$tau2) > 1e-6 * (plain$tau2 + min(v))) start <- list(metafor_own_start = cold)
  }
  c(list(tau2 = plain$tau2), list(i2 = plain$I2, h2 = plain$H2),
    start,
    if (length(y) <= 25 || method %in% c("FE", "REML")) list(weights = arr(weights(plain))),
    list(intervals = Map(interval_record, fits, TESTS)))
}

dataset_record <- function(set) {
  y <- set$effects; v <- set$variances
  reml <- tight(y, v)
  bounds <- q_profile(y, v)
  check_q_profile(tight(y, v, method = "DL"), bounds)
  typical <- (reml$k - 1) / (sum(1 / v) - sum(1 / v^2) / sum(1 / v))
  i2 <- function(t) 100 * t / (t + typical)
  list(source = set$source, measure = set$measure, k = length(y), effects = arr(y), variances = arr(v),
    q = reml$QE, q_df = reml$k - 1, q_p_value = reml$QEp,
    tau2_interval = list(low = bounds$low, high = bounds$high, empty = bounds$empty,
      i2_low = i2(bounds$low), i2_high = i2(bounds$high),
      h2_low = bounds$low / typical + 1, h2_high = bounds$high / typical + 1),
    methods = setNames(lapply(METHODS, function(m) method_record(set, m)), METHODS))
}

pooling <- function(sets) list(datasets = Map(function(set, name) {
  tryCatch(dataset_record(set), error = function(e) stop(name, ": ", conditionMessage(e)))
}, sets, names(sets)))
