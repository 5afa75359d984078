# Step-function selection models by maximum likelihood. metafor's selmodel() stops early and needs a package that Debian
# does not carry for its Hessian, so the likelihood is written out here (Vevea and Hedges 1995), climbed from selmodel's
# answer with Newton steps on central differences, and selmodel must lie at the same optimum.

selection_loglik <- function(parameters, y, v, steps, sign) {
  mu <- parameters[1]; tau2 <- parameters[2]
  weights <- c(1, parameters[-(1:2)])
  sd <- sqrt(v + tau2)
  p <- pnorm(sign * y / sqrt(v), lower.tail = FALSE)
  group <- findInterval(p, steps, left.open = TRUE) + 1
  # The share of each p-value band under N(mu, v + tau2); bands run from significant to not.
  cuts <- sapply(steps, function(s) pnorm(sign * (sign * qnorm(s, lower.tail = FALSE) * sqrt(v) - mu) / sd))
  upper <- cbind(1, cuts); lower <- cbind(cuts, 0)
  normaliser <- c((upper - lower) %*% weights)
  sum(dnorm(y, mu, sd, log = TRUE) + log(weights[group]) - log(normaliser))
}

# Central differences extrapolated twice (Richardson), relative steps.
derivatives <- function(f, x) {
  step <- pmax(abs(x), 1e-3) * 2e-2
  n <- length(x)
  unit <- function(i, h) replace(numeric(n), i, h[i])
  at <- function(h) {
    g <- vapply(1:n, function(i) (f(x + unit(i, h)) - f(x - unit(i, h))) / (2 * h[i]), 0)
    H <- matrix(0, n, n)
    for (i in 1:n) for (j in 1:i) {
      a <- unit(i, h); b <- unit(j, h)
      H[i, j] <- H[j, i] <- (f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b)) / (4 * h[i] * h[j])
    }
    list(g = g, H = H)
  }
  rows <- lapply(0:4, function(i) at(step / 2^i))
  for (level in 1:4) rows <- lapply(seq_len(length(rows) - 1), function(i) Map(function(fine, coarse)
    (4^level * fine - coarse) / (4^level - 1), rows[[i + 1]], rows[[i]]))
  rows[[1]]
}

climb <- function(f, start) {
  x <- start
  for (iteration in 1:60) {
    d <- derivatives(f, x)
    move <- -solve(d$H, d$g)
    while (any((x + move)[-1] <= 0) || f(x + move) < f(x) - 1e-9) move <- move / 2
    x <- x + move
    if (max(abs(move) / pmax(abs(x), 1e-3)) < 1e-12) break
  }
  list(x = x, H = derivatives(f, x)$H, loglik = f(x))
}

selection_record <- function(y, v, steps, alternative) {
  sign <- if (alternative == "greater") 1 else -1
  ml <- tight(y, v, method = "ML")
  theirs <- suppressWarnings(selmodel(ml, type = "stepfun", steps = steps, alternative = alternative, skiphes = TRUE))
  start <- c(c(theirs$beta), theirs$tau2, theirs$delta[-1])
  f <- function(x) selection_loglik(x, y, v, steps, sign)
  if (theirs$tau2 < 1e-6 * mean(v)) return(NULL)  # on the boundary the Newton climb has no interior optimum
  best <- climb(f, start)
  if (best$loglik < f(start) - 1e-10 || max(abs(best$x - start) / (abs(best$x) + 1e-2)) > 5e-3) {
    stop("selmodel and the climb disagree: ", paste(format(start), collapse = " "), " | ", paste(format(best$x), collapse = " "))
  }
  se <- sqrt(diag(solve(-best$H)))
  without <- c(logLik(ml))
  lrt <- max(0, 2 * (best$loglik - without))
  list(steps = arr(steps), alternative = alternative, estimate = best$x[1], se = se[1], tau2 = best$x[2], tau2_se = se[2],
    delta = arr(best$x[-(1:2)]), delta_se = arr(se[-(1:2)]), log_likelihood = best$loglik,
    lrt = lrt, lrt_df = length(steps), lrt_p_value = pchisq(lrt, length(steps), lower.tail = FALSE))
}

selection <- function(sets) {
  cases <- list(hackshaw_or = "greater", bcg_rr = "less", linde_rr = "greater", li_or = "less", egger_or = "less",
    landenberger_or = "less", vanhowe_or = "greater", curtis_rom = "greater", bangertdrowns_smd = "greater",
    lehmann_smd = "greater", riley_hazard = "greater", crede_z = "greater", mcdaniel_z = "greater",
    hartmannboyce_rr = "greater", dorn_rr = "greater", normand_smd = "less", molloy_z = "greater", raudenbush_smd = "greater")
  records <- Map(function(name, alternative) {
    set <- sets[[name]]
    attempt <- function(steps) tryCatch(selection_record(set$effects, set$variances, steps, alternative),
      error = function(e) { message("selection ", name, ": ", conditionMessage(e)); NULL })
    list(effects = arr(set$effects), variances = arr(set$variances), three_parameter = attempt(.025),
      three_parameter_05 = attempt(.05), four_parameter = attempt(c(.025, .5)))
  }, names(cases), cases)
  list(datasets = records)
}
