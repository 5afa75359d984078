# Bias by name: smooth selection models (climbed, integrals to the last digits; selmodel() as a bound), tes(), and what no
# package here has: limit meta-analysis (Ruecker et al. 2011), Copas' model (Copas and Shi 2001), p-uniform.

# Gauss and Legendre's rule of 64 points on 0 to 1 (Golub and Welsch 1969).
legendre <- local({
  i <- seq_len(63)
  chain <- matrix(0, 64, 64)
  chain[cbind(c(i, i + 1), c(i + 1, i))] <- i / sqrt(4 * i^2 - 1)
  found <- eigen(chain, symmetric = TRUE)
  list(at = (found$values + 1) / 2, weight = found$vectors[1, ]^2)
})

smooth_record <- function(y, v, form, alternative, common = FALSE) {
  sign <- if (alternative == "greater") 1 else -1
  y <- sign * y
  w <- switch(form,
    beta = function(p, d) { p <- pmin(pmax(p, 1e-5), 1 - 1e-5); p^(d[1] - 1) * (1 - p)^(d[2] - 1) },
    halfnorm = function(p, d) exp(-d * p^2), negexp = function(p, d) exp(-d * p), power = function(p, d) (1 - p)^d)
  ml <- if (common) list(beta = sum(y / v) / sum(1 / v), tau2 = 0) else tight(y, v, method = "ML")
  f <- function(x) {
    if (common) x <- c(x[1], 0, x[-1])
    if (any(x[-1] < 0)) return(-Inf)
    s <- sqrt(v + x[2]); d <- x[-(1:2)]
    A <- 0
    cuts <- cbind(x[1] - 12 * s, outer(sqrt(v), qnorm(c(1 - 1e-5, .5, 1e-5), lower.tail = FALSE)), x[1] + 12 * s)
    cuts <- pmin(pmax(cuts, x[1] - 12 * s), x[1] + 12 * s)
    for (j in 1:4) {  # each smooth piece
      wide <- cuts[, j + 1] - cuts[, j]
      u <- cuts[, j] + outer(wide, legendre$at)
      inside <- w(pnorm(u / sqrt(v), lower.tail = FALSE), d) * dnorm(u, x[1], s)
      A <- A + wide * c(inside %*% legendre$weight)
    }
    sum(log(w(pnorm(y / sqrt(v), lower.tail = FALSE), d)) + dnorm(y, x[1], s, log = TRUE) - log(A))
  }
  none <- if (form == "beta") c(1, 1) else 0
  starts <- list(none * 1.2 + .3, if (form == "beta") c(.5, 4) else 2, if (form == "beta") c(1.6, 1.1) else 6)
  ends <- lapply(starts, function(d) {
    begin <- c(c(ml$beta) / 2, if (!common) max(ml$tau2, mean(v) / 10), d)
    rough <- optim(begin, function(x) { l <- f(x); if (is.finite(l)) -l else 1e10 }, method = "Nelder-Mead", control = list(reltol = 1e-9, maxit = 600))
    rough
  })
  rough <- ends[[which.min(vapply(ends, function(e) e$value, 0))]]
  at <- rough$par
  zero <- !common && at[2] < 1e-2 * mean(v)
  g <- if (zero) function(z) f(c(z[1], 0, z[-1])) else f
  start <- if (zero) at[-2] else at
  best <- polished(g, start, 1e-2 * c(sqrt(mean(v)), if (!zero && !common) at[2], start[(length(start) - length(none) + 1):length(start)]))
  x <- if (zero || common) c(best$x[1], 0, best$x[-1]) else best$x
  se <- sqrt(diag(solve(-best$H)))
  if (zero || common) se <- c(se[1], NA, se[-1])
  null <- f(if (common) c(ml$beta, none) else c(ml$beta, ml$tau2, none))
  theirs <- if (length(y) < 30) try(suppressWarnings(selmodel(rma(y, v, method = if (common) "EE" else "ML"), type = form, skiphes = TRUE)), silent = TRUE)
  if (!is.null(theirs) && !inherits(theirs, "try-error") && f(c(theirs$beta, if (!common) theirs$tau2, theirs$delta)) > best$loglik + 1e-7) stop("selmodel lies higher")
  list(form = form, alternative = alternative, common = common, estimate = sign * x[1], se = se[1], tau2 = x[2], tau2_se = se[2],
    delta = arr(x[-(1:2)]), delta_se = arr(se[-(1:2)]), log_likelihood = best$loglik, lrt = 2 * (best$loglik - null))
}

limit_record <- function(y, v, method) {
  t2 <- tight(y, v, method = method)$tau2
  radial <- function(y, s) lm(I(y / s) ~ I(1 / s))
  s <- sqrt(v + t2)
  fit <- radial(y, s); a <- coef(fit)[[1]]; b <- coef(fit)[[2]]
  X <- cbind(1, 1 / s)
  spread <- solve(crossprod(X))
  L <- c(sqrt(t2), 1)
  shrunken <- b + sqrt(t2) / s * (y - b)
  Q <- sum((y - sum(y / v) / sum(1 / v))^2 / v)
  left <- sum(resid(radial(y, sqrt(v)))^2)
  list(method = method, estimate = b + sqrt(t2) * a, se = sqrt(c(L %*% spread %*% L)), bias = a, shrunken = arr(shrunken),
    q_small = Q - left, q_residual = left, g2 = 100 * (1 - summary(radial(shrunken, sqrt(v)))$r.squared))
}

copas_record <- function(y, v, chance, most = .99) {
  s <- sqrt(v)
  g1 <- (qnorm(most) - qnorm(chance)) / (1 / min(s) - 1 / max(s)); g0 <- qnorm(chance) - g1 / max(s)
  u <- g0 + g1 / s
  mills <- dnorm(u) / pnorm(u)
  f <- function(x) {
    rho <- x[3]
    if (abs(rho) >= 1 || x[2] < 0) return(-Inf)
    sigma2 <- s^2 / (1 - rho^2 * mills * (u + mills))
    total <- x[2]^2 + sigma2
    r <- rho * sqrt(sigma2 / total)
    sum(dnorm(y, x[1], sqrt(total), log = TRUE) - pnorm(u, log.p = TRUE) +
      pnorm((u + r * (y - x[1]) / sqrt(total)) / sqrt(1 - r^2), log.p = TRUE))
  }
  ml <- tight(y, v, method = "ML")
  ends <- lapply(c(-.7, .3, .8), function(rho) optim(c(ml$beta, sqrt(ml$tau2 + 1e-3 * mean(v)), rho),
    function(x) { l <- f(x); if (is.finite(l)) -l else 1e10 }, control = list(reltol = 1e-13, maxit = 5000)))
  rough <- ends[[which.min(vapply(ends, function(e) e$value, 0))]]
  if (abs(rough$par[3]) > .99 || rough$par[2] < 1e-3) return(NULL)
  best <- polished(f, rough$par, 1e-2 * c(mean(s), rough$par[2], 1 - abs(rough$par[3])))
  list(chance = chance, estimate = best$x[1], se = sqrt(solve(-best$H)[1, 1]), tau2 = best$x[2]^2, rho = best$x[3],
    log_likelihood = best$loglik, unpublished = sum((1 - pnorm(u)) / pnorm(u)))
}

p_uniform_record <- function(y, v, alternative) {
  sign <- if (alternative == "greater") 1 else -1
  s <- sqrt(v); z <- sign * y / s; cut <- qnorm(.975)
  use <- z >= cut; n <- sum(use)
  total <- function(m) sum(exp(pnorm(z[use] - m / s[use], lower.tail = FALSE, log.p = TRUE) - pnorm(cut - m / s[use], lower.tail = FALSE, log.p = TRUE)))
  irwin_hall <- function(x) sum((-1)^(0:floor(x)) * choose(n, 0:floor(x)) * (x - 0:floor(x))^n) / factorial(n)
  quantile <- function(p) uniroot(function(x) irwin_hall(x) - p, c(0, n), tol = 1e-15)$root
  solve_at <- function(goal) uniroot(function(m) total(m) - goal, c(-5, 5) * max(abs(y)), tol = 1e-14)$root
  limits <- sign * c(solve_at(quantile(.025)), solve_at(quantile(.975)))
  common <- sign * sum(y / v) / sum(1 / v)
  list(alternative = alternative, significant = n, estimate = sign * solve_at(n / 2), low = min(limits), high = max(limits),
    p_value = irwin_hall(total(0)), bias_p_value = 1 - irwin_hall(total(common)))
}

further_bias <- function(sets) {
  baskerville <- list(effects = c(1.01, 0.82, 0.59, 0.44, 0.84, 0.73, 1.12, 0.04, 0.24, 0.32, 1.04, 1.31, 0.59, 0.66, 0.62, 0.47,
      1.08, 0.98, 0.26, 0.39, 0.60, 0.94, 0.11),
    variances = signif(c(0.52, 0.46, 0.23, 0.18, 0.29, 0.29, 0.36, 0.37, 0.15, 0.40, 0.32, 0.57, 0.29, 0.19, 0.31, 0.27, 0.32,
      0.32, 0.18, 0.18, 0.31, 0.53, 0.27)^2, 12))
  used <- c(sets[c("hackshaw_or", "dorn_rr", "raudenbush_smd", "bangertdrowns_smd")], list(baskerville = baskerville))
  asked <- list(hackshaw_or = c("beta", "halfnorm", "negexp", "power"), dorn_rr = c("negexp", "halfnorm"), raudenbush_smd = character(),
    bangertdrowns_smd = c("negexp", "power"), baskerville = c("beta", "negexp"))
  tests <- list(list("FE", "two.sided"), list("REML", "two.sided"), list("FE", "greater"), list("REML", "less"))
  # Where a parameter lies at its boundary there is no proper maximum to compare.
  inside <- function(record) tryCatch(record, error = function(e) if (grepl("singular", conditionMessage(e))) NULL else stop(e))
  list(datasets = Map(function(set, name) {
    y <- set$effects; v <- set$variances
    list(effects = arr(y), variances = arr(v),
      smooth = Filter(Negate(is.null), c(lapply(asked[[name]], function(form) inside(smooth_record(y, v, form, "greater"))),
        if (name == "hackshaw_or") list(inside(smooth_record(y, v, "negexp", "greater", TRUE))))),
      excess = lapply(tests, function(test) {
        fit <- tight(y, v, method = test[[1]])
        found <- tes(y, v, theta = c(fit$beta), tau2 = fit$tau2, alternative = test[[2]], test = "chi2")
        list(method = test[[1]], alternative = sub("two.sided", "two-sided", test[[2]], fixed = TRUE), observed = found$O, expected = found$E,
          statistic = found$X2, p_value = found$pval)
      }),
      limit = lapply(c("REML", "DL"), function(method) limit_record(y, v, method)),
      copas = if (name %in% c("hackshaw_or", "dorn_rr")) Filter(Negate(is.null), lapply(c(.6, .4, .2), function(p) copas_record(y, v, p))),
      p_uniform = p_uniform_record(y, v, "greater"))
  }, used, names(used)))
}
