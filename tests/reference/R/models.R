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

# The distribution of a sum of chi-squared variables of one degree of freedom with weights lambda, by Ruben's series
# (1962) to the last digit; metafor uses Farebrother's of the package CompQuadForm, which Debian does not carry. The
# coefficients are those of the power series of prod(sqrt(beta / lambda) / sqrt(1 - ratio z)), read off its values on
# the unit circle by Fourier's transform; their recursion takes the square of the time and gives the same 15 digits.
weighted_chisq <- function(q, lambda) {
  beta <- 2 / (1 / min(lambda) + 1 / max(lambda))
  ratio <- 1 - beta / lambda
  terms <- min(20000, ceiling(log(1e-15) / log(max(abs(ratio), 0.5))) + 50)
  points <- nextn(2 * terms)
  circle <- exp(2i * base::pi * (seq_len(points) - 1) / points)
  values <- exp(-rowSums(log(1 - outer(circle, ratio))) / 2)
  a <- prod(sqrt(beta / lambda)) * Re(fft(values))[seq_len(terms + 1)] / points
  sum(a * pchisq(q / beta, length(lambda) + 2 * (0:terms)))
}

profile_record <- function(y, v, X, method) {
  at <- function(t) equation(t, y, v, X, method)$loglik
  best <- solve_tau2(y, v, X, method)
  drop <- function(t) at(best) - at(t) - qchisq(.95, 1) / 2
  low <- if (best == 0 || drop(0) <= 0) 0 else uniroot(drop, c(0, best), tol = 1e-300, maxiter = 5000)$root
  high <- best + max(v)
  while (drop(high) < 0) high <- 4 * high
  list(low = low, high = uniroot(drop, c(best, high), tol = 1e-300, maxiter = 5000)$root)
}

generalised_record <- function(y, v, X, a) {
  A <- diag(a) - a * X %*% solve(crossprod(X, a * X), t(a * X))
  q <- c(y %*% A %*% y)
  below <- function(t) {
    lambda <- eigen(sqrt(v + t) * A %*% diag(sqrt(v + t)), symmetric = TRUE)$values
    weighted_chisq(q, lambda[lambda > 1e-10 * max(lambda)])
  }
  limit <- function(p) {
    if (below(0) <= p) return(0)
    high <- max(v)
    while (below(high) > p) high <- 4 * high
    uniroot(function(t) below(t) - p, c(0, high), tol = 1e-15 * high, maxiter = 5000)$root
  }
  list(low = limit(.975), high = limit(.025))
}

# Henmi and Copas (2010), appendix, with the integral to the last digits; metafor's hc() stops at 1e-4.
henmi_copas_record <- function(y, v) {
  k <- length(y); w <- 1 / v
  W1 <- sum(w); W2 <- sum(w^2) / W1; W3 <- sum(w^3) / W1; W4 <- sum(w^4) / W1
  b <- sum(w * y) / W1
  t2 <- max(0, (sum(w * (y - b)^2) - (k - 1)) / (W1 - W2))
  VR <- 1 + t2 * W2
  EQ <- function(r) (k - 1) + t2 * (W1 - W2) + t2^2 * (r^2 / VR^2 - 1 / VR) * (W3 - W2^2)
  VQ <- function(r) 2 * (k - 1) + 4 * t2 * (W1 - W2) + 2 * t2^2 * (W1 * W2 - 2 * W3 + W2^2) +
    4 * t2^2 * (r^2 / VR^2 - 1 / VR) * (W3 - W2^2) + 4 * t2^3 * (r^2 / VR^2 - 1 / VR) * (W4 - 2 * W2 * W3 + W2^3) +
    2 * t2^4 * (1 / VR^2 - 2 * r^2 / VR^3) * (W3 - W2^2)^2
  tail <- function(x) {
    inside <- function(r) {
      m <- EQ(sqrt(VR) * r); s <- VQ(sqrt(VR) * r)
      pgamma((W1 / W2 - 1) * ((r / x)^2 - 1) + (k - 1), shape = m^2 / s, scale = s / m) * dnorm(r)
    }
    integrate(inside, x, x + 8, rel.tol = 1e-12, subdivisions = 2000)$value
  }
  most <- 2
  while (tail(most) > .025) most <- 2 * most
  half <- sqrt(VR) * uniroot(function(x) tail(x) - .025, c(.01, most), tol = 1e-14)$root
  se <- sqrt((t2 * W2 + 1) / W1)
  theirs <- try(hc(rma(y, v)), silent = TRUE)
  if (!inherits(theirs, "try-error") && abs(theirs$ci.ub - (b + half * se)) > 1e-3 * se) stop("hc() differs")
  ivhet <- rma(y, v, weights = 1 / v, method = "DL", control = list(stepadj = 1))
  list(estimate = b, se = se, low = b - half * se, high = b + half * se, ivhet_estimate = c(ivhet$beta), ivhet_se = ivhet$se,
    ivhet_low = ivhet$ci.lb, ivhet_high = ivhet$ci.ub)
}

# Kenward and Roger (1997), literally, in matrices; a sum of squares for tau^2 by its expected information.
kenward_roger_record <- function(y, v, X) {
  fit <- tight(y, v, X)
  W <- diag(1 / (v + fit$tau2))
  phi <- solve(t(X) %*% W %*% X)
  P <- W - W %*% X %*% phi %*% t(X) %*% W
  spread <- 2 / sum(P * P)
  P1 <- -t(X) %*% W %*% W %*% X; Q11 <- t(X) %*% W %*% W %*% W %*% X
  adjusted <- phi + 2 * spread * phi %*% (Q11 - P1 %*% phi %*% P1) %*% phi
  test <- function(L) {
    q <- nrow(L)
    theta <- t(L) %*% solve(L %*% phi %*% t(L)) %*% L
    M <- theta %*% phi %*% P1 %*% phi
    A1 <- spread * sum(diag(M))^2; A2 <- spread * sum(diag(M %*% M))
    B <- (A1 + 6 * A2) / (2 * q); g <- ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
    d <- 3 * q + 2 * (1 - g)
    E <- 1 / (1 - A2 / q)
    V <- 2 / q * (1 + g / d * B) / ((1 - (q - g) / d * B)^2 * (1 - (q + 2 - g) / d * B))
    m <- 4 + (q + 2) / (q * V / (2 * E^2) - 1)
    b <- L %*% fit$beta
    f <- m / (E * (m - 2)) / q * c(t(b) %*% solve(L %*% adjusted %*% t(L)) %*% b)
    list(f = f, df = m)
  }
  each <- lapply(seq_len(ncol(X)), function(i) test(diag(ncol(X))[i, , drop = FALSE]))
  all <- if (ncol(X) > 1) test(diag(ncol(X))[-1, , drop = FALSE])
  list(se = arr(sqrt(diag(adjusted))), df = arr(vapply(each, function(e) e$df, 0)), f = all$f, f_df2 = all$df)
}

# Nagashima, Noma and Furukawa (2019), its two random numbers integrated over by the trapezoidal rule in normal scores.
confidence_distribution_record <- function(y, v) {
  k <- length(y); a <- 1 / v
  A <- diag(a) - outer(a, a) / sum(a)
  q <- c(y %*% A %*% y)
  at_least <- function(t) {
    lambda <- eigen(sqrt(v + t) * A %*% diag(sqrt(v + t)), symmetric = TRUE)$values
    1 - weighted_chisq(q, lambda[lambda > 1e-10 * max(lambda)])
  }
  lump <- at_least(0)
  z <- seq(-7.5, 7.5, by = .1); shares <- pnorm(z); parts <- dnorm(z) * .1
  tau2 <- vapply(shares, function(u) {
    goal <- (1 - lump) * (1 - u)
    high <- max(v)
    while (1 - at_least(high) > goal) high <- 8 * high
    uniroot(function(t) (1 - at_least(t)) - goal, c(0, high), tol = 1e-15 * high, maxiter = 5000)$root
  }, 0)
  moments <- function(t) { w <- 1 / (v + t); m <- sum(w * y) / sum(w); c(m, sqrt(sum(w * (y - m)^2) / ((k - 1) * sum(w)))) }
  own <- vapply(tau2, moments, c(0, 0)); none <- moments(0)
  T <- qt(shares, k - 1)
  below <- function(x) lump * pt((x - none[1]) / none[2], k - 1) + (1 - lump) *
    sum(parts * vapply(seq_along(tau2), function(i) sum(parts * pnorm((x - own[1, i] + own[2, i] * T) / sqrt(tau2[i]))), 0))
  find <- function(p) uniroot(function(x) below(x) - p, range(y) + c(-1, 1) * 50 * diff(range(y)), tol = 1e-13)$root
  list(low = find(.025), high = find(.975))
}

prediction_record <- function(y, v) {
  k <- length(y)
  z <- tight(y, v); hk <- tight(y, v, test = "knha"); kr <- kenward_roger_record(y, v, matrix(1, k, 1))
  around <- function(se, quantile) c(z$beta) + c(-1, 1) * quantile * sqrt(z$tau2 + se^2)
  list(normal = arr(c(predict(z)$pi.lb, predict(z)$pi.ub)), V = arr(around(z$se, qt(.975, k - 1))),
    HTS = arr(around(z$se, qt(.975, k - 2))), HK = arr(c(predict(hk)$pi.lb, predict(hk)$pi.ub)),
    `HK-PR` = arr(around(hk$se, qt(.975, k - 2))), KR = arr(around(kr$se$values, qt(.975, kr$df$values))),
    `KR-PR` = arr(around(kr$se$values, qt(.975, kr$df$values - 1))))
}

further_tau2_record <- function(y, v, X) {
  one <- function(method, ...) rma(y, v, mods = X, intercept = FALSE, method = method,
    control = list(tol = 1e-14 * mean(v), threshold = 1e-13 * mean(v), maxiter = 100000, tau2.max = 1e3 * (max(v) + var(y))), ...)$tau2
  list(HSk = one("HSk"), PMM = one("PMM"), GENQ = one("GENQ", weights = 1 / sqrt(v)))
}

further_intervals <- function(sets) {
  names <- c("bcg_rr", "collins_preeclampsia_or", "hackshaw_or", "normand_smd", "raudenbush_smd", "lee_or", "hine_rd", "dorn_rr")
  names <- intersect(names, names(sets))
  parts <- designs(sets)[c("bcg_latitude", "bcg_latitude_year", "bangertdrowns_three", "raudenbush_weeks")]
  one <- function(y, v, X) c(list(effects = arr(y), variances = arr(v), design = if (ncol(X) > 1) matrix_rows(X[, -1, drop = FALSE])),
    list(profile_REML = profile_record(y, v, X, "REML"), profile_ML = profile_record(y, v, X, "ML"),
      inverse_sd = generalised_record(y, v, X, 1 / sqrt(v)), inverse_variance = generalised_record(y, v, X, 1 / v),
      equal = generalised_record(y, v, X, rep(1, length(y))), kenward_roger = kenward_roger_record(y, v, X),
      tau2 = further_tau2_record(y, v, X)))
  list(
    means = lapply(sets[names], function(set) c(one(set$effects, set$variances, matrix(1, length(set$effects), 1)),
      list(henmi_copas = henmi_copas_record(set$effects, set$variances), prediction = prediction_record(set$effects, set$variances)))),
    regressions = lapply(parts, function(part) one(part$y, part$v, cbind(1, part$design))),
    confidence_distribution = lapply(sets[c("bcg_rr", "normand_smd", "hine_rd")], function(set)
      c(list(effects = arr(set$effects), variances = arr(set$variances)), confidence_distribution_record(set$effects, set$variances))))
}

# Newton on differences to the highest point near `start`, none of whose derivatives is at a boundary.
polished <- function(f, start, h = pmax(abs(start), .1) * 1e-2) {
  x <- start
  for (iteration in 1:30) {
    d <- derivatives(f, x, h)
    move <- -solve(d$H, d$g)
    while (!is.finite(f(x + move)) || f(x + move) < f(x) - 1e-10) move <- move / 2
    x <- x + move
    if (max(abs(move) / pmax(abs(x), 1e-2)) < 1e-11) break
  }
  list(x = x, H = derivatives(f, x, h)$H, loglik = f(x))
}

gaussian_loglik <- function(y, M, X, restricted) {
  root <- tryCatch(chol(M), error = function(e) NULL)
  if (is.null(root)) return(list(loglik = -Inf))
  W <- chol2inv(root)
  XWX <- crossprod(X, W %*% X)
  b <- solve(XWX, crossprod(X, W %*% y))
  r <- y - X %*% b
  k <- length(y); p <- ncol(X)
  ll <- -.5 * k * log(2 * pi) - sum(log(diag(root))) - .5 * c(crossprod(r, W %*% r))
  if (restricted) ll <- ll + .5 * (p * log(2 * pi) + c(determinant(crossprod(X))$modulus) - c(determinant(XWX)$modulus))
  list(loglik = ll, b = c(b), vb = solve(XWX))
}

location_scale_record <- function(y, v, X, Z, method) {
  at <- function(a) gaussian_loglik(y, diag(v + exp(c(Z %*% a))), X, method == "REML")
  start <- c(log(max(tight(y, v, method = "ML")$tau2, mean(v) / 10)), rep(0, ncol(Z) - 1))
  centred <- scale(Z[, -1, drop = FALSE])
  Q <- cbind(1, centred)
  of <- function(a) gaussian_loglik(y, diag(v + exp(c(Q %*% a))), X, method == "REML")$loglik
  rough <- optim(start, function(a) -of(a), method = "BFGS", control = list(reltol = 1e-13, maxit = 1000))
  best <- polished(of, rough$par)
  back <- diag(ncol(Z))
  if (ncol(Z) > 1) {
    s <- attr(centred, "scaled:scale"); m <- attr(centred, "scaled:center")
    back[-1, -1] <- diag(1 / s, length(s)); back[1, -1] <- -m / s
  }
  fit <- gaussian_loglik(y, diag(v + exp(c(Q %*% best$x))), X, method == "REML")
  list(method = method, coefficients = arr(fit$b), se = arr(sqrt(diag(fit$vb))), scale = arr(back %*% best$x),
    scale_se = arr(sqrt(diag(back %*% solve(-best$H) %*% t(back)))), log_likelihood = best$loglik)
}

# A covariance between the effects of a term at natural parameters: variances first, then correlations.
term_covariance <- function(struct, outer, inner, x) {
  same <- outer(outer, outer, "==")
  if (struct == "ID") return(same * x[1])
  levels <- sort(unique(inner)); j <- length(levels); at <- match(inner, levels)
  if (struct %in% c("CS", "AR", "CAR")) { tau2 <- rep(x[1], j); rest <- x[-1] }
  else { tau2 <- x[1:j]; rest <- x[-(1:j)] }
  R <- diag(j)
  if (struct %in% c("CS", "HCS")) R[] <- ifelse(diag(j) == 1, 1, rest)
  if (struct %in% c("AR", "HAR")) R[] <- rest^abs(outer(1:j, 1:j, "-"))
  if (struct == "CAR") R[] <- rest^abs(outer(levels, levels, "-"))
  if (struct == "UN") { R[lower.tri(R)] <- rest; R <- R + t(R) - diag(j) }
  G <- R * sqrt(outer(tau2, tau2))
  same * G[at, at]
}

multivariate_record <- function(y, V, X, random, method, fit) {
  start <- c(fit$sigma2[seq_len(fit$sigma2s * fit$withS)], if (fit$withG) c(fit$tau2, fit$rho))
  lengths <- vapply(random, function(term) term$parameters, 0)
  G <- function(x) {
    ends <- cumsum(lengths); begins <- ends - lengths + 1
    Reduce(`+`, Map(function(term, a, b) term_covariance(term$struct, term$outer, term$inner, x[a:b]), random, begins, ends))
  }
  f <- function(x) {
    if (any(!is.finite(x))) return(-Inf)
    gaussian_loglik(y, V + G(x), X, method == "REML")$loglik
  }
  free <- abs(start) > 1e-8
  whole <- function(z) replace(start * free, free, z)
  best <- polished(function(z) f(whole(z)), start[free], pmin(.1 * abs(start[free]), 1e-2 * pmax(abs(start[free]), .1)))
  found <- gaussian_loglik(y, V + G(whole(best$x)), X, method == "REML")
  if (best$loglik < c(logLik(fit)) - 1e-7) stop("rma.mv lies higher")
  list(method = method, components = arr(whole(best$x)), coefficients = arr(found$b), se = arr(sqrt(diag(found$vb))),
    log_likelihood = best$loglik, q = fit$QE, q_df = fit$k - fit$p)
}

multivariate_cases <- function() {
  tight_mv <- function(...) suppressWarnings(rma.mv(...))
  un <- function(struct, outer, inner, parameters) list(struct = struct, outer = outer, inner = inner, parameters = parameters)
  b <- dat.berkey1998
  V <- round_to_12(as.matrix(vcalc(vi = 1, cluster = author, rvars = c(v1i, v2i), data = b)))
  out <- as.character(b$outcome); X <- cbind(as.numeric(out == "AL"), as.numeric(out == "PD"))
  year <- b$year - 1983
  record <- function(y, V, X, random, asked, methods = c("REML", "ML"))
    list(effects = arr(y), covariance = matrix_rows(V), design = matrix_rows(X),
      random = lapply(random, function(term) list(structure = term$struct, outer = arr(term$outer), inner = if (!is.null(term$inner)) arr(term$inner))),
      fits = lapply(methods, function(method) multivariate_record(y, V, X, random, method, asked(method))))
  berkey <- function(struct, X, parameters) record(b$yi, V, X, list(un(struct, b$trial, out, parameters)),
    function(method) tight_mv(b$yi, V, mods = X, intercept = FALSE, random = ~ outcome | trial, struct = struct, data = b, method = method))
  i <- dat.ishak2007
  long <- do.call(rbind, lapply(1:4, function(t) data.frame(study = seq_len(nrow(i)), time = c(3, 6, 12, 24)[t], step = t,
    yi = i[[paste0("y", t, "i")]], vi = i[[paste0("v", t, "i")]])))
  long <- long[!is.na(long$yi), ]; long <- long[order(long$study, long$step), ]
  VI <- round_to_12(as.matrix(vcalc(vi, cluster = study, time1 = time, phi = .97, data = long)))
  XI <- outer(long$step, 1:4, "==") * 1
  ishak <- function(struct, parameters) {
    long$at <- if (struct == "CAR") long$time else long$step
    record(long$yi, VI, XI, list(un(struct, long$study, long$at, parameters)), function(method)
      tight_mv(long$yi, VI, mods = XI, intercept = FALSE, random = ~ at | study, struct = struct, data = long, method = method), "REML")
  }
  k <- dat.konstantopoulos2011
  XK <- cbind(1, (k$year - mean(k$year)) / 10)
  list(
    berkey_un = berkey("UN", X, 3), berkey_hcs = berkey("HCS", X, 3), berkey_cs = berkey("CS", X, 2),
    berkey_year = berkey("UN", cbind(X, X * year), 3),
    ishak_ar = ishak("AR", 2), ishak_har = ishak("HAR", 5), ishak_car = ishak("CAR", 2),
    konstantopoulos = record(k$yi, diag(k$vi), XK, list(un("ID", k$district, NULL, 1), un("ID", k$study, NULL, 1)), function(method)
      tight_mv(k$yi, k$vi, mods = XK, intercept = FALSE, random = list(~ 1 | district, ~ 1 | study), data = k, method = method)),
    crossed = record(k$yi, diag(k$vi), XK[, 1, drop = FALSE], list(un("ID", k$district, NULL, 1), un("ID", k$year, NULL, 1)), function(method)
      tight_mv(k$yi, k$vi, mods = XK[, 1, drop = FALSE], intercept = FALSE, random = list(~ 1 | district, ~ 1 | year), data = k, method = method)))
}

round_to_12 <- function(m) matrix(signif(m, 12), nrow(m))

sampling_records <- function() {
  t <- data.frame(study = rep(1:3, c(3, 2, 4)), time = c(1, 3, 6, 1, 6, 1, 2, 3, 8), what = c("a", "b", "a", "a", "b", "a", "a", "b", "b"),
    one = c("x", "y", "x", "x", "y", "x", "y", "z", "c"), two = c("c", "c", "y", "c", "c", "c", "c", "c", "x"),
    n1 = c(20, 30, 20, 40, 41, 25, 22, 31, 18), n2 = c(19, 19, 30, 38, 38, 18, 18, 18, 25), vi = c(.1, .08, .12, .05, .06, .09, .1, .07, .11), id = 1:9)
  list(studies = arr(t$study), times = arr(t$time), what = arr(t$what), one = arr(t$one), two = arr(t$two), n1 = arr(t$n1), n2 = arr(t$n2),
    variances = arr(t$vi),
    outcome = matrix_rows(as.matrix(vcalc(vi, cluster = study, type = what, rho = .6, data = t))),
    obs = matrix_rows(as.matrix(vcalc(vi, cluster = study, obs = id, rho = .6, data = t))),
    time = matrix_rows(as.matrix(vcalc(vi, cluster = study, time1 = time, phi = .9, data = t))),
    both = matrix_rows(as.matrix(vcalc(vi, cluster = study, type = what, time1 = time, rho = .5, phi = .8, data = t))),
    arms = matrix_rows(as.matrix(vcalc(vi, cluster = study, grp1 = one, grp2 = two, data = t))),
    sizes = matrix_rows(as.matrix(vcalc(vi, cluster = study, grp1 = one, grp2 = two, w1 = n1, w2 = n2, data = t))),
    subgroup = matrix_rows(as.matrix(vcalc(vi, cluster = study, subgroup = what, obs = id, rho = .6, data = t))))
}

models <- function(sets) {
  parts <- designs(sets)
  l <- escalc(measure = "RR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.laopaiboon2015)
  l <- l[!is.na(l$yi), ]
  scaled <- function(y, v, X, Z) list(effects = arr(y), variances = arr(v), design = if (ncol(X) > 1) matrix_rows(X[, -1, drop = FALSE]),
    scale = if (ncol(Z) > 1) matrix_rows(Z[, -1, drop = FALSE]), fits = lapply(c("REML", "ML"), function(m) location_scale_record(y, v, X, Z, m)))
  one <- function(n) matrix(1, n, 1)
  bang <- parts$bangertdrowns_length
  y <- signif(c(l$yi), 12); v <- signif(c(l$vi), 12)
  list(location_scale = list(
      laopaiboon = scaled(y, v, one(length(y)), cbind(1, 1 / (l$n1i + l$n2i))),
      bangertdrowns = scaled(bang$y, bang$v, cbind(1, bang$design), cbind(1, bang$design)),
      bcg = scaled(parts$bcg_latitude$y, parts$bcg_latitude$v, cbind(1, parts$bcg_latitude$design), one(13))),
    multivariate = multivariate_cases(), sampling = sampling_records())
}
