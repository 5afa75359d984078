# Sparse events: generalised linear mixed models, penalised regression, Mantel-Haenszel and Peto over person-time,
# rules for empty cells, and tests of small-study effects among trials of events.
#
# rma.glmm() needs lme4, which stops where its optimiser does (1e-5), takes the integral of UM.RS by Laplace, and is
# not asked for here. The four likelihoods are written out and integrated by the trapezoidal rule on 101 points an axis
# around the mode, in units of the curvature there: for such integrands exact to the last digits. They are climbed by
# Newton's method with derivatives by differences of the sixth order. Where rma.glmm() needs no other package (a common
# effect) it must agree.

sparse_sets <- function() {
  counts <- function(data, names, source) {
    t <- setNames(stats::na.omit(data[, names]), c("events1", "n1", "events2", "n2"))
    list(source = source, table = as.data.frame(lapply(t, as.numeric)))  # products of counts overflow integers
  }
  bcg <- transform(dat.bcg, n1 = tpos + tneg, n2 = cpos + cneg)
  list(
    nielweise = counts(dat.nielweise2007, c("ai", "n1i", "ci", "n2i"), "dat.nielweise2007"),
    hahn = counts(dat.hahn2001, c("ai", "n1i", "ci", "n2i"), "dat.hahn2001"),
    damico = counts(dat.damico2009, c("xt", "nt", "xc", "nc"), "dat.damico2009"),
    hine = counts(dat.hine1989, c("ai", "n1i", "ci", "n2i"), "dat.hine1989"),
    bcg = counts(bcg, c("tpos", "n1", "cpos", "n2"), "dat.bcg"))
}

rate_sets <- function() {
  rates <- function(data, source) list(source = source, table = setNames(
    as.data.frame(lapply(data[, c("x1i", "t1i", "x2i", "t2i")], as.numeric)), c("events1", "n1", "events2", "n2")))
  list(nielweise = rates(dat.nielweise2008, "dat.nielweise2008"), hart = rates(dat.hart1999, "dat.hart1999"))
}

# log(1 + exp(x)), and the log-likelihood of an arm at log odds or log rates eta, constants included.
log1pexp <- function(x) (x + abs(x)) / 2 + log1p(exp(-abs(x)))
arm_loglik <- function(x, n, eta, rates) if (rates) x * (eta + log(n)) - n * exp(eta) - lgamma(x + 1) else
  lchoose(n, x) + x * eta - n * log1pexp(eta)

conditional <- function(model, rates) function(row, theta) {
  total <- row$events1 + row$events2
  if (model == "CM.AL" || rates) return(arm_loglik(row$events1, total, theta + log(row$n1 / row$n2), FALSE))
  x <- seq(max(0, total - row$n2), min(row$n1, total))
  terms <- outer(theta, x) + rep(lchoose(row$n1, x) + lchoose(row$n2, total - x), each = length(theta))
  top <- apply(terms, 1, max)
  lchoose(row$n1, row$events1) + lchoose(row$n2, row$events2) + row$events1 * theta - top -
    log(rowSums(exp(terms - top)))
}
two_arms <- function(rates) function(row, alpha, theta)
  arm_loglik(row$events1, row$n1, alpha + theta / 2, rates) + arm_loglik(row$events2, row$n2, alpha - theta / 2, rates)

# Log of the integral of exp(f(z)) over standard normal z; the mode by Newton with differences.
GRID <- seq(-10, 10, by = 0.2)
over_normal <- function(f) {
  g <- function(z) f(z) - z^2 / 2 - log(2 * base::pi) / 2
  z <- optimize(g, c(-12, 12), maximum = TRUE, tol = 1e-6)$maximum
  h <- 1e-3
  s <- 1 / sqrt(-(g(z + h) - 2 * g(z) + g(z - h)) / h^2)
  v <- g(z + s * GRID)
  max(v) + log(sum(exp(v - max(v))) * 0.2 * s)
}
GRIDS <- as.matrix(expand.grid(GRID, GRID))
over_normals <- function(f) {
  g <- function(a, b) f(a, b) - (a^2 + b^2) / 2 - log(2 * base::pi)
  start <- optim(c(0, 0), function(p) -g(p[1], p[2]), method = "BFGS", control = list(reltol = 1e-14))
  z <- start$par
  h <- 1e-3
  second <- function(u) (g(z[1] + h * u[1], z[2] + h * u[2]) - 2 * g(z[1], z[2]) + g(z[1] - h * u[1], z[2] - h * u[2])) / h^2
  aa <- second(c(1, 0)); bb <- second(c(0, 1)); ab <- (second(c(1, 1)) - aa - bb) / 2
  L <- t(chol(solve(-matrix(c(aa, ab, ab, bb), 2))))
  grid <- GRIDS %*% t(L)
  v <- g(z[1] + grid[, 1], z[2] + grid[, 2])
  max(v) + log(sum(exp(v - max(v))) * 0.04 * det(L))
}

# Derivatives along a direction by differences of the sixth order, and Newton's method with them.
along <- function(f, p, u, h, here) {
  v <- c(vapply(-3:-1, function(i) f(p + i * h * u), 0), here, vapply(1:3, function(i) f(p + i * h * u), 0))
  c(sum(v * c(-1, 9, -45, 0, 45, -9, 1)) / (60 * h), sum(v * c(2, -27, 270, -490, 270, -27, 2)) / (180 * h^2))
}
climbed <- function(f, p, h = 0.008) {
  n <- length(p); unit <- diag(n); here <- f(p)
  for (step in 1:60) {
    D <- lapply(seq_len(n), function(i) along(f, p, unit[, i], h, here))
    H <- diag(vapply(D, `[`, 0, 2), n)
    for (i in seq_len(n)) for (j in seq_len(i - 1)) {
      H[i, j] <- H[j, i] <- (along(f, p, unit[, i] + unit[, j], h, here)[2] - H[i, i] - H[j, j]) / 2
    }
    e <- eigen(-H, symmetric = TRUE)
    move <- c(e$vectors %*% ((t(e$vectors) %*% vapply(D, `[`, 0, 1)) / pmax(abs(e$values), 1e-6)))
    move <- move * min(1, 1 / max(abs(move)))
    halved <- 0; there <- f(p + move)
    while (there < here - 1e-10 && halved < 30) { move <- move / 2; halved <- halved + 1; there <- f(p + move) }
    p <- p + move; here <- there
    if (max(abs(move)) < 1e-9) break
  }
  list(p = p, value = here, se = sqrt(solve(-H)[1, 1]))
}

mixed_model <- function(t, model, rates, common = FALSE) {
  rows <- split(t, seq_len(nrow(t)))
  middle <- if (rates) log((t$events1 + t$events2) / (t$n1 + t$n2)) else
    qlogis((t$events1 + t$events2 + .5) / (t$n1 + t$n2 + 1))
  both <- two_arms(rates)
  loglik <- switch(model,
    UM.FS = function(p) sum(mapply(function(row, m) optimize(function(alpha) {
      if (length(p) == 1) both(row, alpha, p[1]) else over_normal(function(z) both(row, alpha, p[1] + p[2] * z))
    }, m + c(-6, 6), maximum = TRUE, tol = 1e-9)$objective, rows, middle)),
    UM.RS = function(p) sum(vapply(rows, function(row) {
      if (length(p) == 3) over_normal(function(a) both(row, p[2] + p[3] * a, p[1])) else
        over_normals(function(a, b) both(row, p[3] + p[4] * a, p[1] + p[2] * b))
    }, 0)),
    function(p) sum(vapply(rows, function(row) { own <- conditional(model, rates)
      if (length(p) == 1) own(row, p[1]) else over_normal(function(z) own(row, p[1] + p[2] * z))
    }, 0)))
  more <- if (model == "UM.RS") c(median(middle), 0.7)
  fixed <- climbed(loglik, c(-0.3, more))
  fit <- fixed; tau <- 0
  if (!common) {
    found <- climbed(loglik, append(fixed$p, 0.6, 1))
    if (abs(found$p[2]) > 1e-4) { fit <- found; tau <- found$p[2] }
  }
  c(list(estimate = fit$p[1], se = fit$se, tau2 = tau^2, log_likelihood = fit$value),
    if (model == "UM.RS") list(sigma2 = fit$p[length(fit$p)]^2))
}

mixed_record <- function(set, rates) {
  t <- set$table
  kept <- t[t$events1 + t$events2 > 0 & (rates | t$events1 + t$events2 < t$n1 + t$n2), ]
  models <- c("UM.FS", "UM.RS", "CM.EL", if (!rates) "CM.AL")
  names(models) <- models
  their <- function(model) {  # metafor's own, where it needs no lme4: the common effect
    if (model == "UM.RS" || (model == "CM.EL" && !rates)) return(NULL)
    fit <- if (rates) rma.glmm(measure = "IRR", x1i = events1, t1i = n1, x2i = events2, t2i = n2, data = kept,
      model = model, method = "EE", control = list(epsilon = 1e-14, maxit = 200)) else
      rma.glmm(measure = "OR", ai = events1, n1i = n1, ci = events2, n2i = n2, data = kept, model = model,
        method = "EE", control = list(epsilon = 1e-14, maxit = 200))
    list(estimate = c(fit$beta), se = fit$se, q = fit$QE.LRT)
  }
  record <- lapply(models, function(model) {
    common <- mixed_model(kept, model, rates, TRUE)
    metafors <- their(model)
    if (!is.null(metafors) && abs(common$estimate - metafors$estimate) > 1e-7) {
      stop(model, ": metafor's common effect is another one")
    }
    list(mixed = mixed_model(kept, model, rates), common = common[c("estimate", "se", "log_likelihood")],
      q = metafors$q)
  })
  list(source = set$source, events1 = arr(t$events1), n1 = arr(t$n1), events2 = arr(t$events2), n2 = arr(t$n2),
    models = record)
}

# Firth's estimate as what it is: the maximum of the likelihood with Jeffreys' prior, all intercepts together.
firth_record <- function(set, rates) {
  t <- set$table
  t <- t[t$events1 + t$events2 > 0 & (rates | t$events1 + t$events2 < t$n1 + t$n2), ]
  k <- nrow(t)
  information <- function(p) {
    eta <- cbind(p[-1] + p[1], p[-1]); n <- cbind(t$n1, t$n2)
    w <- if (rates) n * exp(eta) else n * plogis(eta) * plogis(-eta)
    list(own = w[, 1] * w[, 2] / rowSums(w), both = rowSums(w))
  }
  penalised <- function(p) {
    i <- information(p)
    sum(arm_loglik(t$events1, t$n1, p[-1] + p[1], rates) + arm_loglik(t$events2, t$n2, p[-1], rates)) +
      (sum(log(i$both)) + log(sum(i$own))) / 2
  }
  p <- c(-0.3, if (rates) log((t$events1 + t$events2 + .5) / (t$n1 + t$n2)) else
    qlogis((t$events1 + t$events2 + .5) / (t$n1 + t$n2 + 1)))
  p <- optim(p, function(p) -penalised(p), method = "BFGS", control = list(reltol = 1e-15, maxit = 2000))$par
  p <- climbed(penalised, p)$p
  list(source = set$source, events1 = arr(t$events1), n1 = arr(t$n1), events2 = arr(t$events2), n2 = arr(t$n2),
    estimate = p[1], se = sqrt(1 / sum(information(p)$own)))
}

rates_record <- function(set) {
  t <- set$table
  mh <- function(measure) pooled_counts(rma.mh(measure = measure, x1i = events1, t1i = n1, x2i = events2, t2i = n2, data = t))
  effects <- function(measure, ...) {
    e <- escalc(measure = measure, x1i = events1, t1i = n1, x2i = events2, t2i = n2, data = t, ...)
    list(effect = arr(e$yi), variance = arr(e$vi))
  }
  x <- t$events1 + t$events2; share <- t$n1 / (t$n1 + t$n2)
  excess <- t$events1 - x * share; V <- x * share * (1 - share)
  list(source = set$source, events1 = arr(t$events1), n1 = arr(t$n1), events2 = arr(t$events2), n2 = arr(t$n2),
    effects = lapply(c(IRR = "IRR", IRD = "IRD"), effects), mantel_haenszel = lapply(c(IRR = "IRR", IRD = "IRD"), mh),
    peto = list(estimate = sum(excess) / sum(V), se = 1 / sqrt(sum(V))))
}

# Rules for empty cells, cell by cell; "revman" of a risk difference corrects the variance alone.
zero_record <- function(set) {
  t <- set$table
  t <- t[t$events1 + t$events2 > 0, ]
  empty <- t$events1 == 0 | t$events2 == 0 | t$events1 == t$n1 | t$events2 == t$n2
  filled <- function(one, two, measure) {
    one <- ifelse(empty, one, 0); two <- ifelse(empty, two, 0)
    e <- escalc(measure = measure, ai = events1 + one, bi = n1 - events1 + one, ci = events2 + two,
      di = n2 - events2 + two, data = t, to = "none")
    list(effect = arr(e$yi), variance = arr(e$vi))
  }
  rules <- function(measure) {
    revman <- filled(.5, .5, measure)
    if (measure == "RD") revman$effect <- arr(t$events1 / t$n1 - t$events2 / t$n2)
    list(constant = filled(.5, .5, measure), treatment_arm = filled(t$n1 / (t$n1 + t$n2), t$n2 / (t$n1 + t$n2), measure),
      revman = revman)
  }
  half <- ifelse(empty, .5, 0)
  mh <- function(measure) { fit <- rma.mh(measure = measure, ai = events1 + half, bi = n1 - events1 + half,
    ci = events2 + half, di = n2 - events2 + half, data = t)
    pooled_counts(fit) }
  list(source = set$source, events1 = arr(t$events1), n1 = arr(t$n1), events2 = arr(t$events2), n2 = arr(t$n2),
    rules = lapply(c(RR = "RR", OR = "OR", RD = "RD"), rules), revman_mantel_haenszel = lapply(c(RR = "RR", OR = "OR"), mh))
}

event_test_record <- function(set) {
  t <- set$table
  t <- t[t$events1 + t$events2 > 0 & t$events1 + t$events2 < t$n1 + t$n2, ]
  x <- t$events1 + t$events2; N <- t$n1 + t$n2
  E <- t$n1 * x / N; V <- t$n1 * t$n2 * x * (N - x) / (N^2 * (N - 1))
  lines <- function(y, z, w) {
    b <- coef(summary(lm(y ~ z, weights = w)))
    line(unname(b[, 1]), unname(b[, 2]), unname(b[, 3]), unname(b[, 4]), nrow(t) - 2)
  }
  or <- c(escalc("OR", ai = events1, n1i = n1, ci = events2, n2i = n2, data = t)$yi)
  as <- escalc("AS", ai = events1, n1i = n1, ci = events2, n2i = n2, data = t)
  list(source = set$source, events1 = arr(t$events1), n1 = arr(t$n1), events2 = arr(t$events2), n2 = arr(t$n2),
    arcsine_effects = list(effect = arr(as$yi), variance = arr(as$vi)),
    harbord = lines((t$events1 - E) / V, 1 / sqrt(V), V),
    peters = lines(or, 1 / N, x * (N - x) / N), macaskill = lines(or, N, x * (N - x) / N),
    arcsine = lines(c(as$yi), sqrt(as$vi), 1 / as$vi),
    arcsine_random = mixed(c(as$yi), c(as$vi), sqrt(c(as$vi)), "z"))
}

sparse <- function() {
  sets <- sparse_sets()
  list(glmm = list(OR = lapply(sets, mixed_record, FALSE), IRR = lapply(rate_sets(), mixed_record, TRUE)),
    penalised = list(OR = lapply(sets[c("nielweise", "hahn", "hine")], firth_record, FALSE),
      IRR = lapply(rate_sets(), firth_record, TRUE)),
    rates = lapply(rate_sets(), rates_record), zero_cells = lapply(sets[c("nielweise", "hahn", "damico")], zero_record),
    tests = lapply(sets, event_test_record))
}
