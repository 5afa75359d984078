# metafor stops its iterations at an absolute 1e-5 (Fisher scoring) or 1e-4 (uniroot). Here every iterative tau^2 is
# found a second time, from its estimating equation, to the last bit; metafor is then started at that value with a
# tightened threshold and must stay there. `tight()` stops when the two disagree.

METHODS <- c("FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
ITERATIVE <- c("ML", "REML", "EB", "PM")
TESTS <- c(wald = "z", hksj = "knha", hksj_adhoc = "adhoc")

# Estimating equation and log-likelihood at tau2; the roots of `score` are the stationary points.
equation <- function(tau2, y, v, X, method) {
  w <- 1 / (v + tau2)
  decomposed <- qr(sqrt(w) * X)
  basis <- qr.Q(decomposed)  # weighted and orthonormal: a design of years near 2000 loses no digits
  r <- qr.resid(decomposed, sqrt(w) * y) / sqrt(w)
  k <- length(y); p <- ncol(X)
  trace_P <- sum(w * (1 - rowSums(basis^2)))
  score <- switch(method,
    ML = sum((w * r)^2) - sum(w),
    REML = sum((w * r)^2) - trace_P,
    EB = sum(w * r^2) - (k - p),
    PM = sum(w * r^2) - (k - p))
  loglik <- -0.5 * (-sum(log(w)) + sum(w * r^2))
  if (method == "REML") loglik <- loglik - sum(log(abs(diag(qr.R(decomposed)))))
  list(score = score, loglik = c(loglik))
}

# The same score for an intercept alone, at many tau2 at once.
scores <- function(tau2, y, v, X, method) {
  if (ncol(X) > 1) return(vapply(tau2, function(t) equation(t, y, v, X, method)$score, 0))
  w <- 1 / outer(tau2, v, "+")
  total <- rowSums(w)
  r <- outer(-c(w %*% y) / total, y, "+")
  switch(method,
    ML = rowSums((w * r)^2) - total,
    REML = rowSums((w * r)^2) - total + rowSums(w^2) / total,
    rowSums(w * r^2) - (length(y) - 1))
}

# The smallest positive tau2 that matters and the largest that can: the grid runs from 1e-8 of the smallest variance to
# four times the spread of the effects, so a narrow second maximum among extreme weights is not stepped over.
solve_tau2 <- function(y, v, X, method) {
  score <- function(t) equation(t, y, v, X, method)$score
  spread <- max(c(lm.fit(X, y)$residuals^2, var(y), min(v))) * length(y)
  grid <- c(0, exp(seq(log(min(v) * 1e-8), log(4 * spread + max(v)), length.out = 400)))
  values <- scores(grid, y, v, X, method)
  peaks <- which(values[-length(values)] > 0 & values[-1] <= 0)
  roots <- vapply(peaks, function(i)
    uniroot(score, grid[c(i, i + 1)], tol = 1e-300, maxiter = 5000)$root, 0)
  candidates <- c(if (values[1] <= 0) 0, roots)
  if (length(candidates) == 1 || !method %in% c("ML", "REML")) return(max(candidates))
  candidates[which.max(vapply(candidates, function(t) equation(t, y, v, X, method)$loglik, 0))]
}

tight_control <- function(tau2, v) {
  scale <- mean(v) + tau2
  list(tau2.init = tau2, threshold = 1e-12 * scale, tol = 1e-14 * scale, maxiter = 10000,
    tau2.max = 100 * scale, ll0check = FALSE)
}

# metafor's fit at the exact tau2. X holds the intercept.
tight <- function(y, v, X = matrix(1, length(y), 1), method = "REML", test = "z", level = 95, ...) {
  control <- list()
  if (method %in% ITERATIVE) {
    exact <- solve_tau2(y, v, X, method)
    control <- tight_control(exact, v)
  }
  fit <- suppressWarnings(rma(y, v, mods = X, intercept = FALSE, method = method, test = test,
    level = level, control = control, ...))
  # With a design far from orthogonal (years) metafor's own step has an error of 1e-9.
  allowed <- if (ncol(X) == 1) 1e-10 else 1e-8
  if (method %in% ITERATIVE && abs(fit$tau2 - exact) > allowed * (exact + min(v))) {
    stop(sprintf("%s: metafor %.17g, estimating equation %.17g", method, fit$tau2, exact))
  }
  fit
}

# Q-profile bounds from their two equations, to the last bit (metafor's own default tolerance is 1.2e-4).
q_profile <- function(y, v, X = matrix(1, length(y), 1), level = 0.95) {
  k <- length(y); p <- ncol(X)
  q <- function(t) { w <- 1 / (v + t); sum(w * lm.wfit(X, y, w)$residuals^2) }
  solve_for <- function(target) {
    if (q(0) <= target) return(0)
    high <- max(v)
    while (q(high) > target) high <- high * 4
    uniroot(function(t) q(t) - target, c(0, high), tol = 1e-300, maxiter = 5000)$root
  }
  critical <- qchisq(c((1 + level) / 2, (1 - level) / 2), k - p)
  list(low = solve_for(critical[1]), high = solve_for(critical[2]), empty = q(0) < critical[2])
}

# metafor's confint at a tightened tolerance must agree with the equations (unless its interval is the empty set).
check_q_profile <- function(fit, bounds) {
  if (bounds$empty) return(invisible())
  theirs <- suppressWarnings(confint(fit,
    control = list(tol = 1e-13 * (bounds$high + mean(fit$vi)), tau2.max = 10 * bounds$high + mean(fit$vi))))$random[1, 2:3]
  gap <- abs(theirs - c(bounds$low, bounds$high)) / (bounds$high + min(fit$vi))
  # 1e-7, because y'Py cancels in confint when the effects lie far from zero; the equations are what is recorded.
  if (any(gap > 1e-7)) stop("confint and the Q-profile equations differ: ", paste(gap, collapse = " "))
}
