# Effect sizes beyond those of tables.R: spread, changes, single groups, and the way back from their scales.

unequal_record <- function(data, source) {
  t <- stats::na.omit(data[, c("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")])
  e <- function(measure, ...) {
    e <- escalc(measure = measure, m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = t, ...)
    list(effect = arr(e$yi), variance = arr(e$vi))
  }
  # metafor 3.8-1 has no ratio of means without bias: Lajeunesse (2015), equations 8 and 9
  one <- with(t, sd1i^2 / (n1i * m1i^2)); two <- with(t, sd2i^2 / (n2i * m2i^2))
  list(source = source, mean1 = arr(t$m1i), sd1 = arr(t$sd1i), n1 = arr(t$n1i), mean2 = arr(t$m2i), sd2 = arr(t$sd2i),
    n2 = arr(t$n2i), effects = c(list(SMDH = e("SMDH"), VR = e("VR")),
      if (all(t$m1i > 0 & t$m2i > 0)) list(CVR = e("CVR"), ROM_corrected = list(
        effect = arr(log(t$m1i / t$m2i) + (one - two) / 2), variance = arr(one + two + (one^2 + two^2) / 2)))))
}

# The experimental arms of Morris (2008), as on the page of metafor's examples.
change_record <- function() {
  t <- data.frame(m_pre = c(30.6, 23.5, .5, 53.4, 35.6), m_post = c(38.5, 26.8, .7, 75.9, 36.0),
    sd_pre = c(15, 3.1, .1, 14.5, 4.7), sd_post = c(11.6, 4.1, .1, 4.4, 4.6), ni = c(20, 50, 9, 10, 14),
    ri = c(.47, .64, .77, .89, .44))
  e <- function(measure) {
    e <- escalc(measure = measure, m1i = m_post, m2i = m_pre, sd1i = sd_pre, sd2i = sd_post, ni = ni, ri = ri, data = t)
    list(effect = arr(e$yi), variance = arr(e$vi))
  }
  list(mean1 = arr(t$m_post), mean2 = arr(t$m_pre), sd1 = arr(t$sd_pre), sd2 = arr(t$sd_post), n = arr(t$ni),
    correlation = arr(t$ri), SMCR = e("SMCR"), SMCC = e("SMCC"))
}

single_records <- function() {
  scales <- function(codes, ...) lapply(setNames(codes, codes), function(code) {
    e <- escalc(measure = code, ...); list(effect = arr(e$yi), variance = arr(e$vi)) })
  x <- c(0, 1, 2, 5, 16, 12, 30); n <- c(20, 35, 12, 50, 40, 12, 31); t <- c(12.5, 300, 4.1, 60, 1000, 31, 9)
  m <- c(4.2, 11, .7, 100); s <- c(1.1, 2.5, .4, 31); size <- c(12, 40, 7, 150); r <- c(-.4, .05, .61, .93)
  values <- c(-.2, .05, .3, .81, 1.4, 1.7)
  list(
    proportions = c(list(events = arr(x), n = arr(n)), scales(c("PR", "PLN", "PLO", "PAS", "PFT"), xi = x, ni = n)),
    rates = c(list(events = arr(x), time = arr(t)), scales(c("IR", "IRLN", "IRS", "IRFT"), xi = x, ti = t)),
    means = c(list(mean = arr(m), sd = arr(s), n = arr(size)), scales(c("MN", "MNLN"), mi = m, sdi = s, ni = size)),
    correlations = c(list(r = arr(r), n = arr(size)), scales(c("COR", "ZCOR"), ri = r, ni = size)),
    back = list(values = arr(values), n = arr(n[1:6]), time = arr(t[1:6]),
      PLO = arr(transf.ilogit(values)), PAS = arr(transf.iarcsin(values)), ZCOR = arr(transf.ztor(values)),
      PFT = arr(mapply(transf.ipft, values, n[1:6])), IRFT = arr(mapply(transf.iirft, values, t[1:6])),
      IRS = arr(vapply(values, transf.isqrt, 0)),
      harmonic = transf.ipft.hm(.3, targs = list(ni = n))))
}

measures <- function() list(
  unequal = list(normand = unequal_record(dat.normand1999, "dat.normand1999"),
    gibson = unequal_record(dat.gibson2002, "dat.gibson2002"), curtis = unequal_record(dat.curtis1998, "dat.curtis1998")),
  changes = change_record(), single = single_records())
