# One-stage dose-response models: a line, or a spline of three knots, from no effect at no dose, with a random effect
# of the linear term. rma.mv has them as random = ~ 0 + z | study, struct = "GEN"; it is given the variance that the
# Newton steps of multilevel.R find, and must have been close by itself.

# Published arms of five trials of aripiprazole: mean fall of the PANSS, SD, people, as in dosresmeta's `ari` (Crippa &
# Orsini 2016, BMC Med Res Methodol 16: 91); the first dose of a trial is its reference.
aripiprazole <- data.frame(
  study = rep(1:5, c(4, 4, 3, 3, 4)),
  dose = c(0, 2, 5, 10, 0, 10, 15, 20, 0, 15, 30, 0, 20, 30, 0, 2, 10, 30),
  mean = c(5.3, 8.23, 10.6, 11.3, 2.33, 15.04, 11.73, 14.44, 2.9, 15.5, 11.4, 5, 14.5, 13.9, 1.4, 11, 11.5, 15.8),
  sd = c(18.31, 18.32, 18.31, 18.32, 26.1, 27.6, 26.2, 25.9, 24.28, 26.49, 22.9, 21.14, 20.16, 20.88, 25.73, 25, 25.2, 28.51),
  n = c(85, 92, 89, 94, 107, 103, 103, 97, 102, 99, 100, 103, 98, 96, 57, 51, 51, 54))

# Made up: one to three dose groups a trial, two references that are no placebo, effects that differ between trials.
made_up <- data.frame(
  study = rep(1:8, c(2, 3, 2, 2, 4, 2, 3, 2)),
  dose = c(0, 6, 0, 8, 16, 0, 10, 4, 12, 0, 5, 10, 20, 0, 18, 6, 12, 24, 0, 15),
  mean = c(5, 4.1, 5.2, 4.2, 2.1, 4.8, 4.5, 4.4, 2.2, 5.6, 5.0, 4.7, 3.3, 6, 2.5, 5.1, 4.2, 3.4, 4.9, 4.8),
  sd = c(2, 2.1, 1.8, 2, 1.9, 2.2, 2, 1.7, 1.9, 2.1, 2, 2.2, 1.9, 2, 2.3, 1.8, 1.9, 2, 2.1, 1.9),
  n = c(30, 28, 45, 44, 40, 22, 25, 60, 58, 35, 33, 36, 34, 50, 52, 28, 30, 27, 40, 39))

# Mean differences from the first arm of each trial, and their covariance, which the shared arm makes.
against_first <- function(arms, source) {
  parts <- lapply(split(arms, arms$study), function(a) list(
    y = a$mean[-1] - a$mean[1], V = diag(a$sd[-1]^2 / a$n[-1], nrow(a) - 1) + a$sd[1]^2 / a$n[1],
    dose = a$dose[-1], reference = rep(a$dose[1], nrow(a) - 1), study = a$study[-1]))
  take <- function(name) unlist(lapply(parts, `[[`, name), use.names = FALSE)
  list(y = signif(take("y"), 12), V = signif(bldiag(lapply(parts, `[[`, "V")), 12), dose = take("dose"),
    reference = take("reference"), study = take("study"), source = source)
}

one_dose_each <- function(set, column) list(y = set$effects, V = diag(set$variances), dose = as.numeric(set$extra[[column]]),
  reference = 0 * set$effects, study = seq_along(set$effects), source = set$source)

# Harrell's second term of a restricted cubic spline with three knots.
bend <- function(x, k) (pmax(x - k[1], 0)^3 - pmax(x - k[2], 0)^3 * (k[3] - k[1]) / (k[3] - k[2]) +
  pmax(x - k[3], 0)^3 * (k[2] - k[1]) / (k[3] - k[2])) / (k[3] - k[1])^2

curve_fit <- function(d, knots, method) {
  z <- d$dose - d$reference
  X <- if (is.null(knots)) cbind(z) else cbind(z, bend(d$dose, knots) - bend(d$reference, knots))
  Z <- outer(z, z) * outer(d$study, d$study, "==")
  spread <- mean((d$y / z)^2)
  tau2 <- 0
  if (method != "FE") {
    tried <- lapply(c(1, .1, .01, 1e-3), function(s) maximise(c(s * spread, 0), 1, d$y, X, d$V, Z, method == "REML"))
    tried <- Filter(Negate(is.null), c(tried, list(maximise(c(0, 0), integer(), d$y, X, d$V, Z, method == "REML"))))
    tau2 <- tried[[which.max(vapply(tried, function(t) t[3], 0))]][1]
  }
  frame <- data.frame(y = d$y, z = z, study = d$study)
  free <- function(...) rma.mv(y, d$V, mods = X, intercept = FALSE, random = ~ 0 + z | study, struct = "GEN", data = frame,
    method = if (method == "FE") "REML" else method, ...)
  fit <- free(tau2 = tau2, test = "z")
  if (method != "FE") {
    own <- free(control = list(optimizer = "nlminb", rel.tol = 1e-10))
    if (c(logLik(own)) - c(logLik(fit)) > 1e-7) stop("rma.mv found a higher likelihood in ", d$source)
  }
  # Knapp and Hartung's factor from the model's own covariance.
  P <- solve(d$V + tau2 * Z)
  P <- P - P %*% X %*% solve(t(X) %*% P %*% X, t(X) %*% P)
  scale <- c(t(d$y) %*% P %*% d$y) / (length(z) - ncol(X))
  df <- length(unique(d$study)) - ncol(X)
  interval <- function(se, half) list(se = arr(se), ci_low = arr(c(fit$beta) - half * se), ci_high = arr(c(fit$beta) + half * se))
  at <- c(3, 10, 17)
  rows <- if (is.null(knots)) cbind(at) else cbind(at, bend(at, knots))
  predicted <- predict(fit, newmods = rows)
  list(method = method, knots = arr(if (is.null(knots)) numeric() else knots), coefficients = arr(fit$beta), tau2 = tau2, q = fit$QE,
    q_df = fit$k - fit$p, df = df, wald = c(interval(fit$se, qnorm(.975)), list(p_value = arr(fit$pval))),
    hksj = interval(fit$se * sqrt(scale), qt(.975, df)),
    hksj_adhoc = interval(fit$se * sqrt(max(1, scale)), qt(.975, df)),
    predicted = list(doses = arr(at), estimate = arr(predicted$pred), se = arr(predicted$se)))
}

dose_response <- function(sets) {
  data <- list(aripiprazole = against_first(aripiprazole, "dosresmeta, ari"),
    made_up = against_first(made_up, "made up"), viechtbauer = one_dose_each(sets$viechtbauer_or, "dose"))
  list(datasets = lapply(data, function(d) {
    fits <- lapply(c("FE", "ML", "REML"), function(method) list(curve_fit(d, NULL, method),
      curve_fit(d, unname(quantile(d$dose, c(.1, .5, .9))), method)))
    list(source = d$source, effects = arr(d$y), variances = if (anyDuplicated(d$study)) matrix_rows(d$V) else arr(diag(d$V)), doses = arr(d$dose), reference = arr(d$reference),
      study = arr(d$study), fits = unlist(fits, recursive = FALSE))
  }))
}
