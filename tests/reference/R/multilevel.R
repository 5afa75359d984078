# Three-level models: effects within trials, sampling errors within a trial correlated by rho; clubSandwich's CR2.
# rma.mv's optimisers stop early, so the two variance components are found by Newton steps on the (restricted)
# likelihood's score with exact second derivatives; rma.mv is then given them as fixed and must have been close.

blocks <- function(v, cluster, rho) {
  V <- outer(sqrt(v), sqrt(v)) * rho * outer(cluster, cluster, "==")
  diag(V) <- v
  V
}

# Log-likelihood, score and Hessian in (between, within).
components <- function(s, y, X, V, Z, restricted) {
  n <- length(y); p <- ncol(X)
  M <- V + s[1] * Z + s[2] * diag(n)
  root <- backsolve(chol(M), diag(n))
  W <- tcrossprod(root)
  decomposed <- qr(crossprod(root, X))  # whitened: a design of years near 2000 loses no digits
  P <- W - tcrossprod(root %*% qr.Q(decomposed))
  Py <- c(P %*% y)
  R <- if (restricted) P else W
  RD <- list(R %*% Z, R)  # the derivatives of M are Z and the identity
  DPy <- list(c(Z %*% Py), Py)
  score <- vapply(1:2, function(i) -.5 * sum(diag(RD[[i]])) + .5 * sum(Py * DPy[[i]]), 0)
  H <- matrix(0, 2, 2)
  for (i in 1:2) for (j in 1:2) H[i, j] <- .5 * sum(RD[[i]] * t(RD[[j]])) - sum(DPy[[i]] * c(P %*% DPy[[j]]))
  loglik <- -.5 * c(determinant(M)$modulus) - .5 * sum(y * Py) - .5 * n * log(2 * pi)
  # rma.mv's restricted likelihood counts n - p observations and adds back the design's determinant.
  if (restricted) loglik <- loglik + .5 * p * log(2 * pi) - sum(log(abs(diag(qr.R(decomposed))))) +
    sum(log(abs(diag(qr.R(qr(X))))))
  list(loglik = loglik, score = score, H = H)
}

# Maximum over the components in `free`, the others held at zero; NULL when it runs into the boundary.
maximise <- function(start, free, ...) {
  s <- replace(c(0, 0), free, start[free])
  if (!length(free)) return(c(s, components(s, ...)$loglik))
  d <- components(s, ...)
  for (iteration in 1:200) {
    H <- d$H[free, free, drop = FALSE]
    if (any(eigen(H)$values >= 0)) H <- -diag(abs(d$score[free]) / pmax(s[free], 1e-8), length(free))
    move <- -solve(H, d$score[free])
    repeat {
      to <- replace(s, free, s[free] + move)
      if (all(to[free] > 0) && (there <- components(to, ...))$loglik >= d$loglik - 1e-10) break
      move <- move / 2
      if (max(abs(move)) < 1e-300) return(NULL)
    }
    s <- to; d <- there
    if (max(s) < 1e-10 * max(start)) return(NULL)
    if (max(abs(move) / s[free]) < 1e-14) break
  }
  c(s, d$loglik)
}

best_components <- function(y, X, V, Z, restricted) {
  spread <- var(y) / 2
  starts <- list(c(spread, spread), c(spread * 2, spread / 50), c(spread / 50, spread * 2), c(spread / 20, spread / 20))
  tried <- c(lapply(starts, function(s) maximise(s, 1:2, y, X, V, Z, restricted)),
    lapply(starts[1:3], function(s) maximise(s, 1, y, X, V, Z, restricted)),
    lapply(starts[1:3], function(s) maximise(s, 2, y, X, V, Z, restricted)),
    list(maximise(c(0, 0), integer(), y, X, V, Z, restricted)))
  tried <- Filter(Negate(is.null), tried)
  tried[[which.max(vapply(tried, function(t) t[3], 0))]][1:2]
}

at_best_components <- function(d, X, rho, method) {
  V <- blocks(d$v, d$cluster, rho)
  s <- best_components(d$y, X, V, outer(d$cluster, d$cluster, "==") * 1, method == "REML")
  d$row <- seq_along(d$y)
  rma_mv <- function(...) rma.mv(y, V, mods = X, intercept = FALSE, random = ~ 1 | cluster/row, data = d,
    method = method, btt = seq_len(ncol(X)), ...)
  fit <- rma_mv(sigma2 = s)
  # By itself rma.mv takes a minute for the larger sets; the smaller ones show that both climb the same hill.
  free <- if (nrow(d) < 70) tryCatch(rma_mv(control = list(optimizer = "nlminb", rel.tol = 1e-9)), error = function(e) NULL)
  if (!is.null(free)) {
    gain <- c(logLik(free)) - c(logLik(fit))
    if (gain > 1e-7) stop("rma.mv found a higher likelihood by ", gain)
    # Lower is possible (it climbs to one maximum only); equal means the same place.
    if (abs(gain) < 1e-7 && max(abs(free$sigma2 - s)) > 1e-3 * sum(s) + 1e-6) stop("rma.mv found another maximum")
  }
  fit
}

satterthwaite <- function(fit, cluster, wrap = identity) {
  robust <- coef_test(fit, vcov = "CR2", cluster = cluster)
  quantile <- qt(.975, robust$df_Satt)
  lapply(list(robust_se = robust$SE, robust_df = robust$df_Satt, robust_p_value = robust$p_Satt,
    robust_ci_low = robust$beta - quantile * robust$SE, robust_ci_high = robust$beta + quantile * robust$SE), wrap)
}

multilevel_fit <- function(d, rho, method) {
  fit <- at_best_components(d, matrix(1, nrow(d), 1), rho, method)
  c(list(rho = rho, method = method, estimate = c(fit$beta), se = fit$se, ci_low = fit$ci.lb, ci_high = fit$ci.ub,
    sigma2_between = fit$sigma2[1], sigma2_within = fit$sigma2[2], log_likelihood = c(logLik(fit)), q = fit$QE),
    satterthwaite(fit, d$cluster))
}

multilevel_regression <- function(d, design, rho) {
  fit <- at_best_components(d, cbind(1, design), rho, "REML")
  c(list(rho = rho, coefficients = arr(fit$beta), se = arr(fit$se), p_value = arr(fit$pval),
    sigma2_between = fit$sigma2[1], sigma2_within = fit$sigma2[2], log_likelihood = c(logLik(fit)), q = fit$QE),
    satterthwaite(fit, d$cluster, arr))
}

nested_sets <- function() {
  keep <- function(y, v, cluster, source) {
    ok <- !is.na(y) & !is.na(v)
    list(y = signif(as.numeric(y)[ok], 12), v = signif(as.numeric(v)[ok], 12),
      cluster = as.integer(factor(cluster[ok], unique(cluster[ok]))), source = source)
  }
  awards <- escalc("OR", ai = waward, n1i = wtotal, ci = maward, n2i = mtotal, data = dat.bornmann2007)
  study_habits <- escalc("ZCOR", ri = ri, ni = ni, data = dat.crede2010)
  schools <- dat.konstantopoulos2011
  few <- schools[schools$district %in% unique(schools$district)[1:4], ]
  with_rows <- function(d) list(
    konstantopoulos = keep(schools$yi, schools$vi, schools$district, "dat.konstantopoulos2011"),
    konstantopoulos_four = keep(few$yi, few$vi, few$district, "dat.konstantopoulos2011, first 4 districts"),
    bornmann = keep(awards$yi, awards$vi, awards$study, "dat.bornmann2007"),
    assink = with(dat.assink2016, keep(yi, vi, study, "dat.assink2016")),
    tannersmith = with(dat.tannersmith2016, keep(yi, vi, studyid, "dat.tannersmith2016")),
    knapp = with(dat.knapp2017, keep(yi, vi, study, "dat.knapp2017")),
    crede = keep(study_habits$yi, study_habits$vi, study_habits$studyid, "dat.crede2010"),
    lehmann = with(dat.lehmann2018, keep(yi, vi, Full_Citation, "dat.lehmann2018")),
    riley = with(dat.riley2003, keep(yi, vi, study, "dat.riley2003")),
    berkey = with(dat.berkey1998, keep(yi, vi, trial, "dat.berkey1998")))
  with_rows()
}

# robumeta's correlated-effects model: other weights, the same small-sample correction. Its own p-values are
# 1 - pt(), which is 0 below 1e-16.
robust_record <- function(d) {
  d <- data.frame(y = d$y, v = d$v, cluster = d$cluster)
  fit <- robu(y ~ 1, data = d, studynum = cluster, var.eff.size = v, rho = .8, small = TRUE)
  weights <- tapply(d$v, d$cluster, function(x) length(x) * mean(x))[as.character(d$cluster)] +
    tapply(d$v, d$cluster, length)[as.character(d$cluster)] * c(fit$mod_info$tau.sq)
  stopifnot(all.equal(weighted.mean(d$y, 1 / weights), c(fit$b.r), tolerance = 1e-10))
  list(rho = .8, tau2 = c(fit$mod_info$tau.sq), weights = arr(1 / weights), estimate = c(fit$b.r),
    se = fit$reg_table$SE, df = fit$dfs, p_value = 2 * pt(-abs(fit$reg_table$t), fit$dfs), ci_low = fit$reg_table$CI.L,
    ci_high = fit$reg_table$CI.U)
}

# A two-level model's estimate with robust errors, clusters known or each effect its own.
robust_pool_record <- function(d, method) {
  fit <- tight(d$y, d$v, method = method)
  estimate <- list(method = method, estimate = c(fit$beta), tau2 = fit$tau2)
  list(by_cluster = c(estimate, satterthwaite(fit, d$cluster)),
    by_effect = c(estimate, satterthwaite(fit, seq_along(d$y))))
}

with_moderators <- function(sets) {
  record <- function(set, design) {
    keep <- stats::complete.cases(design)
    d <- data.frame(y = set$y, v = set$v, cluster = set$cluster)[keep, ]
    design <- design[keep, , drop = FALSE]
    list(source = set$source, effects = arr(d$y), variances = arr(d$v), cluster = arr(d$cluster),
      design = matrix_rows(design), fits = lapply(c(0, .6), function(rho) multilevel_regression(d, design, rho)))
  }
  list(
    konstantopoulos_year = record(sets$konstantopoulos, cbind(year = dat.konstantopoulos2011$year)),
    assink_two = record(sets$assink, cbind(published = dat.assink2016$pubstatus, year = dat.assink2016$year)),
    tannersmith_two = record(sets$tannersmith, cbind(male = dat.tannersmith2016$propmale, age = dat.tannersmith2016$aget1)),
    riley_outcome = record(sets$riley, cbind(overall = as.numeric(dat.riley2003$outcome[!is.na(dat.riley2003$yi)] == "OS"))))
}

multilevel <- function() {
  sets <- nested_sets()
  list(datasets = lapply(sets, function(d) {
    frame <- data.frame(y = d$y, v = d$v, cluster = d$cluster)
    cases <- expand.grid(rho = c(0, .6), method = c("REML", "ML"), stringsAsFactors = FALSE)
    list(source = d$source, effects = arr(d$y), variances = arr(d$v), cluster = arr(d$cluster),
      fits = unname(Map(function(rho, method) tryCatch(multilevel_fit(frame, rho, method),
        error = function(e) stop(d$source, ": ", conditionMessage(e))), cases$rho, cases$method)),
      robust_pool = lapply(c("REML", "DL"), function(method) robust_pool_record(frame, method)),
      correlated_effects = robust_record(d))
  }), regressions = with_moderators(sets))
}
