# The normal-normal model by R's adaptive integrate() over pieces of the heterogeneity's axis: slow, literal, and
# nothing in common with the quadrature under test. Roever (2020) gives the formulas.

prior_density <- list(
  half_normal = function(t, s) 2 * dnorm(t, 0, s),
  half_cauchy = function(t, s) 2 * dcauchy(t, 0, s),
  uniform = function(t, s) ifelse(t <= s, 1 / s, 0))

posterior <- function(y, v, kind, scale, mu_prior) {
  precision <- if (is.null(mu_prior)) 0 else 1 / mu_prior[2]^2
  centre <- if (is.null(mu_prior)) 0 else mu_prior[1]
  given <- function(t) {
    w <- 1 / outer(t^2, v, "+")
    total <- rowSums(w) + precision
    m <- (c(w %*% y) + precision * centre) / total
    ll <- -.5 * (-rowSums(log(w)) + log(total) + rowSums(w * outer(-m, y, "+")^2) + precision * (m - centre)^2 +
      (length(y) - 1) * log(2 * pi)) + if (precision) .5 * log(precision / (2 * pi)) else 0
    list(mean = m, sd = 1 / sqrt(total), loglik = ll)
  }
  top <- if (kind == "uniform") scale else Inf
  unit <- sqrt(min(v))
  cuts <- c(0, unit * 10^seq(-3, 3, by = .5))
  cuts <- unique(c(cuts[cuts < top], if (kind == "uniform") top else max(cuts) * c(10, 100, 1e3, 1e4, 1e6, 1e8)))
  peak <- max(given(cuts[-1])$loglik + log(prior_density[[kind]](cuts[-1], scale) + 1e-300))
  density <- function(t) exp(given(t)$loglik - peak) * prior_density[[kind]](t, scale)
  piece <- function(g, a, b) integrate(function(t) density(t) * g(t), a, b, rel.tol = 1e-12, abs.tol = 1e-300,
    subdivisions = 2000, stop.on.error = FALSE)$value
  whole <- function(g, high = Inf) {
    ends <- c(cuts[cuts < high], min(high, max(cuts)))
    sum(vapply(seq_len(length(ends) - 1), function(i) piece(g, ends[i], ends[i + 1]), 0))
  }
  mass <- whole(function(t) 1 + 0 * t)
  list(given = given, cuts = cuts, peak = peak, mass = mass, whole = function(g, ...) whole(g, ...) / mass)
}

bayes_fit <- function(y, v, kind, scale, mu_prior = NULL) {
  p <- posterior(y, v, kind, scale, mu_prior)
  m <- function(t) p$given(t)$mean
  s <- function(t) p$given(t)$sd
  mean <- p$whole(m)
  sd <- sqrt(p$whole(function(t) s(t)^2 + (m(t) - mean)^2))
  tau_mean <- p$whole(identity)
  tau_sd <- sqrt(p$whole(function(t) (t - tau_mean)^2))
  invert <- function(f, target, low, high) uniroot(function(x) f(x) - target, c(low, high), tol = 1e-13)$root
  below <- function(x, extra) p$whole(function(t) pnorm(x, m(t), sqrt(s(t)^2 + extra * t^2)))
  tau_below <- function(x) p$whole(function(t) 1 + 0 * t, x)
  reach <- 60 * (sd + tau_mean)
  at <- function(target, extra = 0) invert(function(x) below(x, extra), target, mean - reach, mean + reach)
  tau_at <- function(target) invert(tau_below, target, 0, tau_mean + 40 * tau_sd)
  shrunk <- lapply(seq_along(y), function(i) {
    pull <- function(t) v[i] / (v[i] + t^2)
    centre <- function(t) y[i] + pull(t) * (m(t) - y[i])
    average <- p$whole(centre)
    c(average, sqrt(p$whole(function(t) pull(t) * t^2 + (pull(t) * s(t))^2 + (centre(t) - average)^2)))
  })
  list(tau_prior = kind, scale = scale, mu_mean = mu_prior[1], mu_sd = mu_prior[2],
    estimate = at(.5), mean = mean, sd = sd, ci_low = at(.025), ci_high = at(.975),
    tau_median = tau_at(.5), tau_mean = tau_mean, tau_sd = tau_sd, tau_low = tau_at(.025), tau_high = tau_at(.975),
    predictive_median = at(.5, 1), predictive_sd = sqrt(sd^2 + tau_mean^2 + tau_sd^2),
    pi_low = at(.025, 1), pi_high = at(.975, 1), log_evidence = p$peak + log(p$mass),
    probability_below = below(-.1, 0), predictive_probability_below = below(-.1, 1), threshold = -.1,
    shrunk_mean = arr(vapply(shrunk, `[`, 0, 1)), shrunk_sd = arr(vapply(shrunk, `[`, 0, 2)))
}

bayes <- function(sets) list(datasets = lapply(
  sets[c("bcg_rr", "hine_rd", "normand_smd", "li_or", "empty_q_profile", "equal_effects", "normand_smd_first_four",
    "between_but_quiet")], function(set) {
    y <- set$effects; v <- set$variances
    list(effects = arr(y), variances = arr(v), fits = list(
      bayes_fit(y, v, "half_normal", .5), bayes_fit(y, v, "uniform", 4), bayes_fit(y, v, "half_cauchy", .3),
      bayes_fit(y, v, "half_normal", 1, c(.2, 2))))
  }))
