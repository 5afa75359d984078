# Network meta-analysis as a contrast-based multivariate model: every trial's contrasts with its first arm, whose
# sampling error they share; heterogeneity tau^2 of every contrast, correlated 1/2 within a trial (Lu and Ades 2004).
# tau^2 is solved on the restricted likelihood's score and handed to rma.mv, which must have been close by itself.

network_arms <- function() {
  stacked <- function(data, arms) do.call(rbind, lapply(1:arms, function(i) data.frame(study = data$Study,
    treatment = data[[paste0("Treatment", i)]], m = data[[paste0("y", i)]], sd = data[[paste0("sd", i)]],
    n = data[[paste0("n", i)]])))
  of_means <- function(study, treatment, m, sd, n, source) list(source = source,
    arms = data.frame(study, treatment, estimate = m, variance = sd^2 / n))
  of_counts <- function(study, treatment, x, n, source) {
    empty <- ave(as.numeric(x == 0 | x == n), study, FUN = max) * 0.5
    a <- x + empty; b <- n - x + empty
    list(source = source, arms = data.frame(study, treatment, estimate = log(a / b), variance = 1 / a + 1 / b))
  }
  parkinson <- stats::na.omit(stacked(dat.franchini2012, 3))
  list(
    senn = with(dat.senn2013, of_means(study, treatment, mi, sdi, ni, "dat.senn2013")),
    franchini = with(parkinson, of_means(study, treatment, m, sd, n, "dat.franchini2012")),
    hasselblad = with(dat.hasselblad1998, of_counts(study, trt, xi, ni, "dat.hasselblad1998")),
    pagliaro = with(dat.pagliaro1992, of_counts(study, trt, xi, ni, "dat.pagliaro1992")),
    dogliotti = with(dat.dogliotti2014, of_counts(study, treatment, stroke, total, "dat.dogliotti2014")))
}

# Contrasts with the first arm of each study, their covariance, and the network's design.
contrasts_of <- function(arms, reference) {
  treatments <- c(reference, setdiff(sort(unique(arms$treatment)), reference))
  pieces <- lapply(split(arms, factor(arms$study, unique(arms$study))), function(a) {
    k <- nrow(a) - 1
    X <- matrix(0, k, length(treatments), dimnames = list(NULL, treatments))
    for (i in 1:k) { X[i, a$treatment[i + 1]] <- 1; X[i, a$treatment[1]] <- X[i, a$treatment[1]] - 1 }
    list(y = a$estimate[-1] - a$estimate[1], V = diag(a$variance[-1], k) + a$variance[1], incidence = X, X = X[, -1, drop = FALSE],
      T = (diag(k) + 1) / 2, study = rep(a$study[1], k), design = rep(paste(sort(a$treatment), collapse = ":"), k))
  })
  pick <- function(name) unlist(lapply(pieces, `[[`, name), use.names = FALSE)
  list(y = pick("y"), V = as.matrix(bldiag(lapply(pieces, `[[`, "V"))), T = as.matrix(bldiag(lapply(pieces, `[[`, "T"))),
    X = do.call(rbind, lapply(pieces, `[[`, "X")), incidence = do.call(rbind, lapply(pieces, `[[`, "incidence")), study = pick("study"), design = pick("design"), treatments = treatments)
}

network_tau2 <- function(net, X) {
  score <- function(t) {
    root <- backsolve(chol(net$V + t * net$T), diag(length(net$y)))
    P <- tcrossprod(root) - tcrossprod(root %*% qr.Q(qr(crossprod(root, X))))
    Py <- P %*% net$y
    -sum(P * net$T) + c(t(Py) %*% net$T %*% Py)
  }
  if (score(0) <= 0) return(0)
  high <- var(net$y)
  while (score(high) > 0) high <- 2 * high
  uniroot(score, c(0, high), tol = 1e-300, maxiter = 5000)$root
}

network_fit <- function(net, X, tau2) {
  d <- data.frame(y = net$y, study = net$study, arm = ave(seq_along(net$y), net$study, FUN = seq_along))
  at <- function(...) rma.mv(y, net$V, mods = X, intercept = FALSE, random = ~ arm | study, struct = "CS", rho = 1 / 2, data = d, ...)
  fit <- at(tau2 = tau2)
  free <- at(control = list(optimizer = "nlminb", rel.tol = 1e-10))
  if (abs(free$tau2 - tau2) > 1e-4 * (tau2 + .01)) stop("rma.mv: tau2 ", free$tau2, " here ", tau2)
  fit
}

network_fit_common <- function(net) {
  W <- solve(net$V)
  vb <- solve(crossprod(net$X, W %*% net$X))
  list(beta = c(vb %*% crossprod(net$X, W %*% net$y)), vb = vb)
}

# One set of effects for each design (set of treatments compared): nothing is assumed consistent.
by_design <- function(net) do.call(cbind, lapply(unique(net$design), function(design) {
  X <- net$X * (net$design == design)
  decomposed <- qr(X)
  X[, decomposed$pivot[seq_len(decomposed$rank)], drop = FALSE]
}))

# Fixed-effect Q of all trials split into what is left within designs and what the designs disagree about.
q_split <- function(net) {
  W <- solve(net$V)
  q <- function(X) c(crossprod(net$y, W %*% (net$y - X %*% solve(crossprod(X, W %*% X), crossprod(X, W %*% net$y)))))
  saturated <- by_design(net)
  total <- q(net$X); within <- q(saturated)
  df <- c(length(net$y) - ncol(net$X), length(net$y) - ncol(saturated))
  list(q_total = total, q_total_df = df[1], q_within = within, q_within_df = df[2], q_between = total - within,
    q_between_df = df[1] - df[2], q_between_p_value = pchisq(total - within, df[1] - df[2], lower.tail = FALSE))
}

# Design-by-treatment interaction with random effects (White et al. 2012): Wald test of all its coefficients.
interaction_test <- function(net) {
  X <- net$X
  for (j in seq_len(ncol(saturated <- by_design(net)))) {
    wider <- cbind(X, saturated[, j])
    if (qr(wider)$rank == ncol(wider)) X <- wider
  }
  tau2 <- network_tau2(net, X)
  W <- solve(net$V + tau2 * net$T)
  vb <- solve(crossprod(X, W %*% X))
  extra <- -seq_len(ncol(net$X))
  b <- (vb %*% crossprod(X, W %*% net$y))[extra]
  statistic <- c(b %*% solve(vb[extra, extra], b))
  list(tau2 = tau2, statistic = statistic, df = length(b), p_value = pchisq(statistic, length(b), lower.tail = FALSE))
}

# Direct against indirect evidence, the disagreement of a study with both treatments shared equally by the two arms
# (symmetric side-splitting, White 2015).
node_splits <- function(net) {
  k <- length(net$treatments)
  rows <- list()
  for (first in 2:k) for (second in 1:(first - 1)) {
    has_both <- ave(net$incidence[, first] != 0, net$study, FUN = any) & ave(net$incidence[, second] != 0, net$study, FUN = any)
    apart <- has_both * (net$incidence[, first] - net$incidence[, second]) / 2
    X <- cbind(net$X, apart)
    if (!any(apart != 0) || qr(X)$rank < ncol(X)) next
    tau2 <- network_tau2(net, X)
    W <- solve(net$V + tau2 * net$T)
    vb <- solve(crossprod(X, W %*% X))
    b <- vb %*% crossprod(X, W %*% net$y)
    indirect <- c(diag(k)[first, -1] - diag(k)[second, -1], 0)
    last <- c(rep(0, k - 1), 1)
    value <- function(contrast) c(sum(contrast * b), sqrt(c(contrast %*% vb %*% contrast)))
    direct <- value(indirect + last); other <- value(indirect); gap <- value(last)
    rows[[length(rows) + 1]] <- list(experimental = net$treatments[first], control = net$treatments[second],
      direct = direct[1], direct_se = direct[2], indirect = other[1], indirect_se = other[2], difference = gap[1],
      difference_se = gap[2], p_value = 2 * pnorm(-abs(gap[1] / gap[2])), tau2 = tau2)
  }
  fields <- names(rows[[1]])
  setNames(lapply(fields, function(f) arr(vapply(rows, function(r) r[[f]], rows[[1]][[f]]))), fields)
}

# P-scores (Ruecker and Schwarzer 2015), lower effects being better.
p_scores <- function(effects, covariance) vapply(seq_along(effects), function(i) mean(pnorm(
  (effects[-i] - effects[i]) / sqrt(covariance[i, i] + diag(covariance)[-i] - 2 * covariance[i, -i]))), 0)

network_record <- function(entry) {
  arms <- entry$arms
  arms$estimate <- signif(arms$estimate, 12); arms$variance <- signif(arms$variance, 12)
  reference <- names(which.max(table(arms$treatment)))
  net <- contrasts_of(arms, reference)
  tau2 <- network_tau2(net, net$X)
  fit <- network_fit(net, net$X, tau2)
  common <- network_fit_common(net)
  C <- rbind(0, diag(ncol(net$X)))
  pairs <- t(utils::combn(nrow(C), 2))
  difference <- C[pairs[, 2], ] - C[pairs[, 1], ]
  list(source = entry$source, study = arr(arms$study), treatment = arr(arms$treatment), estimate = arr(arms$estimate),
    variance = arr(arms$variance), reference = reference, treatments = arr(net$treatments), tau2 = fit$tau2,
    log_likelihood = c(logLik(fit)), effects = arr(fit$beta), se = arr(fit$se), covariance = matrix_rows(vcov(fit)),
    league = list(first = arr(net$treatments[pairs[, 1]]), second = arr(net$treatments[pairs[, 2]]),
      effect = arr(difference %*% fit$beta), se = arr(sqrt(diag(difference %*% vcov(fit) %*% t(difference))))),
    p_scores_lower = arr(p_scores(c(0, fit$beta), rbind(0, cbind(0, vcov(fit))))),
    common = list(effects = arr(common$beta), se = arr(sqrt(diag(common$vb)))), q = q_split(net),
    interaction = interaction_test(net), splits = node_splits(net))
}

network <- function() list(datasets = lapply(network_arms(), network_record))
