# Step-function selection models by maximum likelihood (Vevea and Hedges 1995), written out here: selmodel() stops
# early, ends at one of several maxima, and needs a package that Debian does not carry for its Hessian. The highest
# maximum is climbed with Newton steps on central differences, from many starts, tau2 = 0 included; selmodel must not
# lie higher, and where it lies lower its log-likelihood is recorded.

selection_loglik <- function(y, v, steps, sign) {
  group <- findInterval(pnorm(sign * y / sqrt(v), lower.tail = FALSE), steps, left.open = TRUE) + 1
  edges <- outer(sqrt(v), sign * qnorm(steps, lower.tail = FALSE))
  function(parameters) {
    mu <- parameters[1]; tau2 <- parameters[2]
    weights <- c(1, parameters[-(1:2)])
    sd <- sqrt(v + tau2)
    # The share of each p-value band under N(mu, v + tau2); bands run from significant to not.
    cuts <- pnorm(sign * (edges - mu) / sd)
    normaliser <- c((cbind(1, cuts) - cbind(cuts, 0)) %*% weights)
    sum(dnorm(y, mu, sd, log = TRUE) + log(weights[group]) - log(normaliser))
  }
}

# Central differences extrapolated (Richardson) from steps `h`.
derivatives <- function(f, x, h) {
  n <- length(x)
  at <- function(h) {
    unit <- function(i) replace(numeric(n), i, h[i])
    g <- vapply(1:n, function(i) (f(x + unit(i)) - f(x - unit(i))) / (2 * h[i]), 0)
    H <- matrix(0, n, n)
    for (i in 1:n) for (j in 1:i) {
      a <- unit(i); b <- unit(j)
      H[i, j] <- H[j, i] <- (f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b)) / (4 * h[i] * h[j])
    }
    list(g = g, H = H)
  }
  rows <- lapply(0:3, function(i) at(h / 2^i))
  for (level in 1:3) rows <- lapply(seq_len(length(rows) - 1), function(i) Map(function(fine, coarse)
    (4^level * fine - coarse) / (4^level - 1), rows[[i + 1]], rows[[i]]))
  rows[[1]]
}

# Newton climb over mu (first) and positive parameters; NULL where it ends at no proper maximum inside.
climb <- function(f, start) {
  x <- start
  steps <- function(H) pmin(0.15 / sqrt(pmax(-diag(H), 1e-10)), c(Inf, 0.2 * x[-1]))
  d <- derivatives(f, x, c(1e-3, 1e-2 * x[-1]))
  for (iteration in 1:100) {
    d <- derivatives(f, x, steps(d$H))
    H <- d$H
    if (max(eigen(H)$values) >= 0) H <- -diag(abs(diag(H)) + 1e-3, length(x))
    move <- -solve(H, d$g)
    while (any((x + move)[-1] <= 0.2 * x[-1]) || f(x + move) < f(x) - 1e-9) {
      move <- move / 2
      if (max(abs(move)) < 1e-14) return(NULL)
    }
    x <- x + move
    if (any(x[-1] < 1e-5) || any(x[-1] > 1e4)) return(NULL)
    if (max(abs(move) / pmax(abs(x), 1e-3)) < 1e-12) break
  }
  # Curvature far below what any data here give means that the climb runs away along a ridge.
  H <- derivatives(f, x, steps(d$H))$H
  if (max(eigen(H)$values) >= 0) return(NULL)
  list(x = x, H = H, loglik = f(x))
}

# Climbs with tau2 free, and with tau2 = 0 where the likelihood falls away from there.
climbs <- function(f, starts) {
  free <- lapply(starts, function(x) climb(f, x))
  zero <- lapply(starts, function(x) {
    end <- climb(function(z) f(c(z[1], 0, z[-1])), x[-2])
    if (is.null(end)) return(NULL)
    at <- c(end$x[1], 0, end$x[-1])
    if (f(replace(at, 2, 1e-7)) > end$loglik) return(NULL)
    list(x = at, H = end$H, loglik = end$loglik, zero = TRUE)
  })
  Filter(Negate(is.null), c(free, zero))
}

selection_record <- function(y, v, steps, alternative) {
  sign <- if (alternative == "greater") 1 else -1
  ml <- tight(y, v, method = "ML")
  f <- selection_loglik(y, v, steps, sign)
  spread <- max(ml$tau2, mean(v) / 10)
  starts <- lapply(c(.05, .3, 1, 3), function(chance) c(c(ml$beta), spread, rep(chance, length(steps))))
  ends <- climbs(f, starts)
  best <- ends[[which.max(vapply(ends, function(e) e$loglik, 0))]]
  theirs <- suppressWarnings(selmodel(ml, type = "stepfun", steps = steps, alternative = alternative, skiphes = TRUE))
  gain <- f(c(c(theirs$beta), theirs$tau2, theirs$delta[-1])) - best$loglik
  if (gain > 1e-8) stop("selmodel found a higher likelihood by ", gain)
  se <- sqrt(diag(solve(-best$H)))
  if (!is.null(best$zero)) se <- c(se[1], NA, se[-1])
  lrt <- max(0, 2 * (best$loglik - c(logLik(ml))))
  c(list(steps = arr(steps), alternative = alternative, estimate = best$x[1], se = se[1], tau2 = best$x[2], tau2_se = se[2],
    delta = arr(best$x[-(1:2)]), delta_se = arr(se[-(1:2)]), log_likelihood = best$loglik,
    lrt = lrt, lrt_df = length(steps), lrt_p_value = pchisq(lrt, length(steps), lower.tail = FALSE)),
    if (gain < -0.01) list(selmodel_log_likelihood = best$loglik + gain))
}

selection <- function(sets) {
  cases <- list(hackshaw_or = "greater", bcg_rr = "less", linde_rr = "greater", li_or = "less", egger_or = "less",
    landenberger_or = "less", vanhowe_or = "greater", curtis_rom = "greater", bangertdrowns_smd = "greater",
    lehmann_smd = "greater", riley_hazard = "greater", crede_z = "greater", mcdaniel_z = "greater",
    hartmannboyce_rr = "greater", dorn_rr = "greater", normand_smd = "less", molloy_z = "greater", raudenbush_smd = "greater")
  list(datasets = Map(function(name, alternative) {
    set <- sets[[name]]
    attempt <- function(steps) tryCatch(selection_record(set$effects, set$variances, steps, alternative),
      error = function(e) stop(name, " ", steps, ": ", conditionMessage(e)))
    # Four parameters need studies on all sides of both steps.
    p <- pnorm((if (alternative == "greater") 1 else -1) * set$effects / sqrt(set$variances), lower.tail = FALSE)
    enough <- all(table(cut(p, c(0, .025, .5, 1))) >= 2)
    list(effects = arr(set$effects), variances = arr(set$variances), three_parameter = attempt(.025),
      three_parameter_05 = attempt(.05), four_parameter = if (enough) attempt(c(.025, .5)))
  }, names(cases), cases))
}
