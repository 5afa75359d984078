# Single groups as a review pools them (tests/workflow/foreign/one_group): rma() of escalc() on the analysis scale.

one_group_fit <- function(e) {
  fit <- tight(c(e$yi), c(e$vi), test = "adhoc")
  new <- predict(fit)
  list(effect = arr(e$yi), variance = arr(e$vi), estimate = fit$beta[1], ci_low = fit$ci.lb[1], ci_high = fit$ci.ub[1],
    tau2 = fit$tau2, i2 = fit$I2, pi_low = new$pi.lb, pi_high = new$pi.ub)
}

# Made-up changes: of the first trial two arms, which are combined; of the last two the values alone, whose changes
# rest on the mean correlation of the arms that print all three SDs.
one_group_changes <- function() {
  t <- data.frame(n = c(12, 15, 20, 16, 25, 30, 18), m0 = c(52, 50, 55, 48, 51, 53, 49), s0 = c(10, 11, 12, 9, 10, 11, 10),
    m1 = c(44, 43, 46, 45, 45, 47, 44), s1 = c(9, 10, 12, 8, 11, 12, 9), sc = c(8, 9, 10, 7, 9, NA, NA))
  own <- with(t, (s0^2 + s1^2 - sc^2) / (2 * s0 * s1))
  r <- ifelse(is.na(own), mean(own, na.rm = TRUE), own)
  t$change <- t$m1 - t$m0
  t$sc <- with(t, sqrt(s0^2 + s1^2 - 2 * r * s0 * s1))
  two <- t[1:2, ]
  n <- sum(two$n); change <- sum(two$n * two$change) / n
  squares <- sum((two$n - 1) * two$sc^2) + prod(two$n) / n * diff(two$change)^2
  pooled <- function(s) sqrt(sum((two$n - 1) * s^2) / sum(two$n - 1))
  one <- data.frame(n = n, change = change, sc = sqrt(squares / (n - 1)), s0 = pooled(two$s0), s1 = pooled(two$s1))
  d <- rbind(one, t[-(1:2), c("n", "change", "sc", "s0", "s1")])
  d$r <- with(d, (s0^2 + s1^2 - sc^2) / (2 * s0 * s1))
  of <- function(code) escalc(measure = code, m1i = change, m2i = 0 * change, sd1i = s0, sd2i = s1, ni = n, ri = r, data = d)
  lapply(c(MC = "MC", SMCC = "SMCC", SMCR = "SMCR"), function(code) one_group_fit(of(code)))
}

one_group <- function() {
  years <- transform(dat.nielweise2008, years = round(t2i / 365.25, 6))
  c(list(
    PLO = one_group_fit(escalc("PLO", xi = xi, ni = ni, data = dat.pritz1997)),
    PR = one_group_fit(escalc("PR", xi = xi, ni = ni, data = dat.pritz1997)),
    MN = one_group_fit(escalc("MN", mi = m1i, sdi = sd1i, ni = n1i, data = dat.normand1999)),
    ZCOR = one_group_fit(escalc("ZCOR", ri = ri, ni = ni, data = dat.molloy2014)),
    IRLN = one_group_fit(escalc("IRLN", xi = x2i, ti = years, data = years))), one_group_changes())
}
