# Several moderators together, best linear unbiased predictions, intervals of tau^2 and of the mean, location-scale and
# multivariate models. What metafor 3.8 answers is metafor's, at an exact tau^2 (`tight`); the rest is written out here.

moderator_test_record <- function(part, cluster) {
  y <- part$y; v <- part$v; X <- cbind(1, part$design)
  p <- ncol(X)
  fits <- lapply(c(wald = "z", hksj = "knha"), function(test) tight(y, v, X, test = test))
  some <- if (p > 2) c(1, p - 1) else 1
  wald <- lapply(fits, function(fit) {
    found <- anova(fit, btt = some + 1)
    contrast <- matrix(c(1, rep(.5, p - 1)), 1)
    combined <- anova(fit, X = contrast, rhs = .1)
    list(statistic = found$QM, p_value = found$QMp, combined = combined$zval^2, combined_p_value = combined$pval)
  })
  # Likelihoods of both models by ML, at their exact tau2.
  lrt <- function(keep) {
    both <- lapply(list(X, X[, c(1, keep), drop = FALSE]), function(Z) {
      fit <- tight(y, v, Z, method = "ML")
      list(tau2 = fit$tau2, ll = c(logLik(fit)))
    })
    df <- p - 1 - (length(keep))
    statistic <- max(0, 2 * (both[[1]]$ll - both[[2]]$ll))
    list(statistic = statistic, df = df, p_value = pchisq(statistic, df, lower.tail = FALSE), log_likelihood = both[[1]]$ll,
      log_likelihood_reduced = both[[2]]$ll, tau2 = both[[1]]$tau2, tau2_reduced = both[[2]]$tau2)
  }
  correlation <- cov2cor(vcov(fits$wald)[-1, -1, drop = FALSE])
  robust <- function(cluster) {
    fit <- fits$wald
    coefs <- coef_test(fit, vcov = "CR2", cluster = cluster, test = "Satterthwaite")
    htz <- Wald_test(fit, constraints = constrain_zero(some + 1), vcov = "CR2", cluster = cluster, test = "HTZ")
    all <- Wald_test(fit, constraints = constrain_zero(2:p), vcov = "CR2", cluster = cluster, test = "HTZ")
    if (is.na(all$p_val)) all$Fstat <- NA
    if (is.na(htz$p_val)) htz$Fstat <- NA
    list(se = arr(coefs$SE), df = arr(coefs$df_Satt), p_value = arr(coefs$p_Satt),
      f = htz$Fstat, f_df = htz$df_num, f_df2 = htz$df_denom, f_p_value = htz$p_val,
      all_f = all$Fstat, all_df2 = all$df_denom, all_p_value = all$p_val)
  }
  list(terms = arr(some), wald = wald, likelihood_ratio = list(all = lrt(integer()), some = lrt(if (p > 3) 2 + 1 else integer())),
    vif = if (p > 2) arr(diag(solve(correlation))), gvif = if (p > 3) det(correlation[1:2, 1:2]) * det(correlation[-(1:2), -(1:2), drop = FALSE]) / det(correlation),
    robust = robust(seq_along(y)), clusters = arr(cluster), clustered = robust(cluster))
}

blup_record <- function(set) {
  y <- set$effects; v <- set$variances
  c(list(effects = arr(y), variances = arr(v)), lapply(c(wald = "z", hksj = "knha"), function(test) {
    found <- blup(tight(y, v, test = test))
    list(estimate = arr(found$pred), se = arr(found$se), pi_low = arr(found$pi.lb), pi_high = arr(found$pi.ub))
  }))
}

moderator_tests <- function(sets) {
  parts <- designs(sets)
  chosen <- c("bcg_latitude", "bcg_latitude_year", "bcg_allocation", "bangertdrowns_length", "bangertdrowns_three",
    "landenberger_months", "kalaian_hours", "hackshaw_year", "curtis_time")
  list(
    moderators = lapply(parts[chosen], function(part) c(list(effects = arr(part$y), variances = arr(part$v),
      design = matrix_rows(part$design)), moderator_test_record(part, (seq_along(part$y) - 1) %/% 2))),
    blup = lapply(sets[c("bcg_rr", "hackshaw_or", "raudenbush_smd", "normand_smd", "hine_rd", "bcg_first_three")], blup_record))
}
