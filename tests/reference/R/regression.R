# Meta-regression: data sets with moderators x tau^2 methods x tests; subgroups; exact permutation tests.

designs <- function(sets) {
  part <- function(name, ...) {
    set <- sets[[name]]
    columns <- cbind(...)
    keep <- stats::complete.cases(columns)
    list(y = set$effects[keep], v = set$variances[keep], design = columns[keep, , drop = FALSE], dataset = name)
  }
  extra <- function(name, column) as.numeric(sets[[name]]$extra[[column]])
  allocation <- sets$bcg_rr$extra$allocation
  normand <- c(1, 0, 0, 1, 1, 0, 1, 0, 0)
  list(
    bcg_latitude = part("bcg_rr", latitude = extra("bcg_rr", "latitude")),
    bcg_latitude_year = part("bcg_rr", latitude = extra("bcg_rr", "latitude"), year = extra("bcg_rr", "year")),
    bcg_allocation = part("bcg_rr", random = as.numeric(allocation == "random"),
      systematic = as.numeric(allocation == "systematic")),
    raudenbush_weeks = part("raudenbush_smd", weeks = extra("raudenbush_smd", "weeks")),
    bangertdrowns_length = part("bangertdrowns_smd", length = extra("bangertdrowns_smd", "length")),
    bangertdrowns_three = part("bangertdrowns_smd", length = extra("bangertdrowns_smd", "length"),
      grade = extra("bangertdrowns_smd", "grade"), information = extra("bangertdrowns_smd", "information")),
    kalaian_hours = part("kalaian_smd", hours = extra("kalaian_smd", "hours")),
    curtis_time = part("curtis_rom", time = extra("curtis_rom", "time")),
    hackshaw_year = part("hackshaw_or", year = extra("hackshaw_or", "year")),
    lau_year = part("lau_or", year = extra("lau_or", "year")),
    damico_year = part("damico_or", year = extra("damico_or", "year")),
    viechtbauer_dose = part("viechtbauer_or", dose = extra("viechtbauer_or", "dose")),
    landenberger_months = part("landenberger_or", months = extra("landenberger_or", "months"),
      length = extra("landenberger_or", "length")),
    gibson_type = part("gibson_smd", type = as.numeric(sets$gibson_smd$extra$type == 1)),
    normand_group = part("normand_smd", group = normand),
    hine_order = part("hine_rd", order = 1:6),
    bcg_three_order = part("bcg_first_three", order = 1:3))
}

regression_fit <- function(y, v, X, method, test) {
  fit <- tight(y, v, X, method = method, test = test, btt = 2:ncol(X))
  list(coefficients = arr(fit$beta), se = arr(fit$se), ci_low = arr(fit$ci.lb), ci_high = arr(fit$ci.ub),
    statistic = arr(fit$zval), p_value = arr(fit$pval), df = if (test == "z") Inf else fit$k - fit$p,
    qm = fit$QM, qm_df = ncol(X) - 1, qm_p_value = fit$QMp)
}

regression_record <- function(part) {
  y <- part$y; v <- part$v
  X <- cbind(1, part$design)
  methods <- lapply(setNames(METHODS, METHODS), function(method) {
    fit <- tight(y, v, X, method = method)
    alone <- tight(y, v, method = method)$tau2
    r2 <- if (method == "FE" || alone == 0) NULL else list(r2 = max(0, 100 * (alone - fit$tau2) / alone))
    c(list(tau2 = fit$tau2, i2 = fit$I2, h2 = fit$H2), r2,
      list(intervals = lapply(TESTS, function(test) regression_fit(y, v, X, method, test))))
  })
  bounds <- q_profile(y, v, X)
  fit <- tight(y, v, X)
  list(dataset = part$dataset, k = length(y), names = arr(colnames(part$design)), effects = arr(y), variances = arr(v),
    design = matrix_rows(part$design), qe = fit$QE, qe_df = fit$k - fit$p, qe_p_value = fit$QEp,
    tau2_low = bounds$low, tau2_high = bounds$high, methods = methods)
}

subgroup_record <- function(set, groups) {
  y <- set$effects; v <- set$variances
  one <- function(g, method, test) {
    fit <- tight(y[groups == g], v[groups == g], method = method, test = test)
    list(k = fit$k, estimate = c(fit$beta), se = fit$se, ci_low = fit$ci.lb, ci_high = fit$ci.ub, tau2 = fit$tau2,
      q = fit$QE)
  }
  names <- sort(unique(groups))
  X <- vapply(names, function(g) as.numeric(groups == g), numeric(length(y)))
  with_intercept <- cbind(1, X[, -1])
  rows <- lapply(list(wald = "z", hksj = "knha"), function(test) {
    common <- tight(y, v, X, test = test)
    between <- tight(y, v, with_intercept, test = test, btt = 2:ncol(X))
    list(separate = setNames(lapply(names, one, method = "REML", test = test), names),
      common = list(estimate = arr(common$beta), se = arr(common$se), ci_low = arr(common$ci.lb),
        ci_high = arr(common$ci.ub), tau2 = common$tau2, statistic = between$QM, p_value = between$QMp))
  })
  separate <- rows$wald$separate
  estimates <- vapply(separate, function(s) s$estimate, 0); ses <- vapply(separate, function(s) s$se, 0)
  difference <- sum((estimates - weighted.mean(estimates, 1 / ses^2))^2 / ses^2)
  list(groups = arr(groups), effects = arr(y), variances = arr(v), rows = rows,
    q_between_separate_wald = difference, q_between_df = length(names) - 1,
    q_between_p_value = pchisq(difference, length(names) - 1, lower.tail = FALSE))
}

permutation_record <- function(y, v, X, method, test) {
  fit <- tight(y, v, X, method = method, test = test, btt = if (ncol(X) > 1) 2:ncol(X) else 1)
  fit$control <- modifyList(as.list(fit$control), list(tau2.init = NULL, threshold = 1e-13 * mean(v), maxiter = 100000))
  exact <- suppressWarnings(permutest(fit, exact = TRUE, progbar = FALSE))
  list(p_values = arr(exact$pval), omnibus_p_value = if (ncol(X) > 1) exact$QMp else NA)
}

permutations <- function(sets, parts) {
  ones <- function(name) matrix(1, length(sets[[name]]$effects), 1)
  single <- function(name, method, test) c(list(dataset = name, method = method, test = test),
    permutation_record(sets[[name]]$effects, sets[[name]]$variances, ones(name), method, test))
  moderated <- function(name, method, test) c(list(design = name, method = method, test = test),
    permutation_record(parts[[name]]$y, parts[[name]]$v, cbind(1, parts[[name]]$design), method, test))
  small <- c("hine_rd", "between_but_quiet", "normand_smd_first_four", "two_studies", "bcg_first_three",
    "equal_variances")
  list(
    sign_flips = c(unlist(lapply(small, function(name) list(single(name, "REML", "z"), single(name, "REML", "knha"),
      single(name, "DL", "z"))), recursive = FALSE),
      list(single("collins_preeclampsia_or", "REML", "knha"), single("normand_smd", "REML", "z"))),
    moderators = list(moderated("hine_order", "REML", "z"), moderated("hine_order", "DL", "knha"),
      moderated("bcg_three_order", "REML", "z")))
}

# Expected effects with confidence and prediction intervals at some moderator values.
predicted <- function(part, at) {
  X <- cbind(1, part$design)
  one <- function(test) {
    p <- predict(tight(part$y, part$v, X, test = test), newmods = at)
    list(estimate = arr(p$pred), se = arr(p$se), ci_low = arr(p$ci.lb), ci_high = arr(p$ci.ub), pi_low = arr(p$pi.lb),
      pi_high = arr(p$pi.ub))
  }
  list(at = matrix_rows(at), tests = lapply(TESTS, one))
}

regression <- function(sets) {
  parts <- designs(sets)
  list(designs = lapply(parts, regression_record),
    subgroups = list(bcg_allocation = subgroup_record(sets$bcg_rr, as.character(sets$bcg_rr$extra$allocation)),
      gibson_type = subgroup_record(sets$gibson_smd, ifelse(sets$gibson_smd$extra$type == 1, "full", "less")),
      pignon_group = subgroup_record(sets$pignon_hazard, paste0("group", sets$pignon_hazard$extra$group))),
    predictions = list(
      bcg_latitude = predicted(parts$bcg_latitude, cbind(c(10, 33.5, 55))),
      landenberger_months = predicted(parts$landenberger_months, cbind(c(6, 12, 24), c(10, 20, 8)))),
    permutation = permutations(sets, parts))
}
