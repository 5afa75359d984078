# Missing outcomes: Higgins, White and Wood (2008) and White, Higgins and Wood (2008) written out, on their 17 trials of
# haloperidol; Mavridis et al. (2015) for means; and the trial-sequential boundaries of Lan and DeMets by integration.

haloperidol <- data.frame(
  r1 = c(25, 29, 12, 3, 10, 11, 7, 8, 19, 1, 11, 20, 17, 4, 2, 11, 9), f1 = c(25, 18, 17, 9, 11, 8, 18, 9, 45, 9, 23, 9, 1, 10, 14, 1, 20),
  m1 = c(2, 22, 1, 0, 0, 0, 1, 0, 2, 0, 3, 0, 11, 0, 0, 0, 1), r2 = c(18, 20, 2, 0, 3, 1, 4, 3, 14, 0, 0, 2, 7, 0, 0, 1, 0),
  f2 = c(33, 14, 28, 12, 19, 14, 21, 10, 50, 10, 13, 9, 4, 13, 7, 11, 29), m2 = c(0, 34, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0, 18, 1, 1, 0, 1))

imor_record <- function(d, imor1, imor2, measure) {
  add <- .5 * (d$r1 == 0 | d$r2 == 0 | d$f1 == 0 | d$f2 == 0)
  arm <- function(r, f, m, imor) {
    n <- r + f; p <- (r + add) / (n + add); N <- n + m; a <- m / N
    q <- p * imor / (p * imor + 1 - p)
    # by the delta method in p and a, whose variances are p(1 - p)/n and a(1 - a)/N
    dp <- (1 - a) + a * imor / (p * imor + 1 - p)^2
    list(p = p * (1 - a) + a * q, v = dp^2 * p * (1 - p) / n + (q - p)^2 * a * (1 - a) / N)
  }
  e <- arm(d$r1, d$f1, d$m1, imor1); c <- arm(d$r2, d$f2, d$m2, imor2)
  found <- switch(measure, RD = list(e$p - c$p, e$v + c$v), RR = list(log(e$p / c$p), e$v / e$p^2 + c$v / c$p^2),
    OR = list(qlogis(e$p) - qlogis(c$p), e$v / (e$p * (1 - e$p))^2 + c$v / (c$p * (1 - c$p))^2))
  pooled <- tight(found[[1]], found[[2]])
  list(imor1 = imor1, imor2 = imor2, measure = measure, effects = arr(found[[1]]), variances = arr(found[[2]]), estimate = c(pooled$beta),
    low = pooled$ci.lb, high = pooled$ci.ub)
}

# Lan and DeMets' boundaries at information fractions t: crossing probabilities by Simpson's rule on a fine grid, as in
# Armitage, McPherson and Rowe (1969); one side of a symmetric test.
boundaries_record <- function(t, alpha, spend) {
  spent <- spend(t, alpha)
  bounds <- numeric(length(t)); grid <- NULL; density <- NULL
  for (i in seq_along(t)) {
    step <- if (i == 1) t[1] else t[i] - t[i - 1]
    target <- spent[i] - if (i == 1) 0 else spent[i - 1]
    tail <- function(b) {
      if (i == 1) return(2 * pnorm(b, lower.tail = FALSE))
      reach <- b * sqrt(t[i])
      sum(density * (pnorm((reach - grid) / sqrt(step), lower.tail = FALSE) + pnorm((-reach - grid) / sqrt(step))))
    }
    bounds[i] <- uniroot(function(b) tail(b) - target, c(0, 12), tol = 1e-14)$root
    reach <- bounds[i] * sqrt(t[i])
    points <- seq(-reach, reach, length.out = 4001)
    simpson <- c(1, rep(c(4, 2), 1999), 4, 1) * (points[2] - points[1]) / 3
    height <- if (i == 1) dnorm(points, 0, sqrt(t[1])) else vapply(points, function(x) sum(density * dnorm(x, grid, sqrt(step))), 0)
    grid <- points; density <- simpson * height
  }
  list(t = arr(t), alpha = alpha, spent = arr(spent), bounds = arr(bounds))
}

missing_outcomes <- function() {
  d <- haloperidol
  combos <- list(list(1, 1, "RR"), list(2, 1, "RR"), list(.5, 2, "RR"), list(0, 0, "RR"), list(3, 3, "OR"), list(.25, 4, "OR"), list(2, .5, "RD"))
  gh <- local({
    low <- escalc(measure = "RR", ai = r1, n1i = r1 + f1 + m1, ci = r2 + m2, n2i = r2 + f2 + m2, data = d)
    high <- escalc(measure = "RR", ai = r1 + m1, n1i = r1 + f1 + m1, ci = r2, n2i = r2 + f2 + m2, data = d)
    here <- escalc(measure = "RR", ai = r1, n1i = r1 + f1, ci = r2, n2i = r2 + f2, data = d)
    z <- qnorm(.975)
    list(effects = arr(here$yi), variances = arr(((high$yi + z * sqrt(high$vi) - low$yi + z * sqrt(low$vi)) / (2 * z))^2))
  })
  obf <- function(t, alpha) 2 - 2 * pnorm(qnorm(1 - alpha / 2) / sqrt(t))
  pocock <- function(t, alpha) alpha * log(1 + (exp(1) - 1) * t)
  list(haloperidol = lapply(d, arr), imor = lapply(combos, function(x) imor_record(d, x[[1]], x[[2]], x[[3]])), gamble_hollis = gh,
    boundaries = list(obrien_fleming = boundaries_record(c(.2, .4, .6, .8, 1), .05, obf), uneven = boundaries_record(c(.11, .13, .5, .9), .05, obf),
      pocock = boundaries_record(c(.25, .5, .75, 1), .05, pocock)))
}
