# Effect sizes of arms (escalc), what trials print turned into them, and pooling of sparse tables (rma.mh, rma.peto).

count_tables <- function() {
  take <- function(data, a, n1, c, n2, name) {
    d <- data.frame(events1 = data[[a]], n1 = data[[n1]], events2 = data[[c]], n2 = data[[n2]])
    d <- d[stats::complete.cases(d) & d$events1 + d$events2 > 0 & d$events1 + d$events2 < d$n1 + d$n2, ]
    list(source = name, table = d)
  }
  bcg <- transform(dat.bcg, n1 = tpos + tneg, n2 = cpos + cneg)
  list(
    bcg = take(bcg, "tpos", "n1", "cpos", "n2", "dat.bcg"),
    hine = take(dat.hine1989, "ai", "n1i", "ci", "n2i", "dat.hine1989"),
    damico = take(dat.damico2009, "xt", "nt", "xc", "nc", "dat.damico2009"),
    nielweise = take(dat.nielweise2007, "ai", "n1i", "ci", "n2i", "dat.nielweise2007"),
    hahn = take(dat.hahn2001, "ai", "n1i", "ci", "n2i", "dat.hahn2001"),
    yusuf = take(subset(dat.yusuf1985, table == "6"), "ai", "n1i", "ci", "n2i", "dat.yusuf1985, table 6"),
    stillbirths = take(dat.collins1985b, "stb.xti", "fup.nti", "stb.xci", "fup.nci", "dat.collins1985b (stillbirths)"),
    axfors = take(dat.axfors2021, "hcq_arm_event", "hcq_arm_total", "control_arm_event", "control_arm_total",
      "dat.axfors2021"),
    ulcer_deaths = take(dat.collins1985a, "d.xti", "nti", "d.xci", "nci", "dat.collins1985a (deaths)"),
    one_empty_arm = list(source = "constructed", table = data.frame(events1 = c(0, 1, 0, 5), n1 = c(20, 22, 31, 40),
      events2 = c(3, 0, 4, 11), n2 = c(21, 19, 30, 38))))
}

pooled_counts <- function(fit) list(estimate = c(fit$beta), se = fit$se, ci_low = fit$ci.lb, ci_high = fit$ci.ub,
  statistic = fit$zval, p_value = fit$pval, q = fit$QE, q_df = fit$k.yi - 1, q_p_value = fit$QEp)

count_record <- function(entry) {
  t <- entry$table
  # escalc adds 1/2 to empty cells for PETO too; Yusuf et al. (1985) and rma.peto add nothing.
  effects <- function(measure) {
    e <- escalc(measure = measure, ai = events1, n1i = n1, ci = events2, n2i = n2, data = t,
      to = if (measure == "PETO") "none" else "only0")
    list(effect = arr(e$yi), variance = arr(e$vi))
  }
  mh <- function(measure) pooled_counts(rma.mh(measure = measure, ai = events1, n1i = n1, ci = events2, n2i = n2, data = t))
  list(source = entry$source, events1 = arr(t$events1), n1 = arr(t$n1), events2 = arr(t$events2), n2 = arr(t$n2),
    effects = lapply(c(RR = "RR", OR = "OR", RD = "RD", PETO = "PETO"), effects),
    smd_from_odds = list(effect = arr(escalc("OR2DL", ai = events1, n1i = n1, ci = events2, n2i = n2, data = t)$yi),
      variance = arr(escalc("OR2DL", ai = events1, n1i = n1, ci = events2, n2i = n2, data = t)$vi)),
    mantel_haenszel = lapply(c(RR = "RR", OR = "OR", RD = "RD"), mh),
    peto = pooled_counts(rma.peto(ai = events1, n1i = n1, ci = events2, n2i = n2, data = t)))
}

# Whole tables, those without any event included.
empty_record <- function(data, source) {
  t <- setNames(stats::na.omit(data), c("events1", "n1", "events2", "n2"))
  mh <- function(measure) pooled_counts(suppressWarnings(
    rma.mh(measure = measure, ai = events1, n1i = n1, ci = events2, n2i = n2, data = t)))
  list(source = source, events1 = arr(t$events1), n1 = arr(t$n1), events2 = arr(t$events2), n2 = arr(t$n2),
    mantel_haenszel = lapply(c(RR = "RR", OR = "OR", RD = "RD"), mh),
    peto = pooled_counts(suppressWarnings(rma.peto(ai = events1, n1i = n1, ci = events2, n2i = n2, data = t))))
}

empty_tables <- function() list(
  axfors = empty_record(dat.axfors2021[, c("hcq_arm_event", "hcq_arm_total", "control_arm_event", "control_arm_total")],
    "dat.axfors2021"),
  nielweise = empty_record(dat.nielweise2007[, c("ai", "n1i", "ci", "n2i")], "dat.nielweise2007"),
  ulcer_deaths = empty_record(dat.collins1985a[, c("d.xti", "nti", "d.xci", "nci")], "dat.collins1985a (deaths)"))

mean_record <- function(data, source, ratio) {
  t <- stats::na.omit(data[, c("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")])
  effects <- function(measure, vtype) {
    e <- escalc(measure = measure, m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = t,
      vtype = vtype)
    list(effect = arr(e$yi), variance = arr(e$vi))
  }
  list(source = source, mean1 = arr(t$m1i), sd1 = arr(t$sd1i), n1 = arr(t$n1i), mean2 = arr(t$m2i), sd2 = arr(t$sd2i),
    n2 = arr(t$n2i),
    effects = c(list(MD = effects("MD", "LS"), MD_pooled = effects("MD", "HO"), SMD_LS = effects("SMD", "LS"),
      SMD_UB = effects("SMD", "UB")), if (ratio) list(ROM = effects("ROM", "LS"))))
}

# Literal transcriptions: means of Luo (2018), SDs of Wan (2014) and Shi (2020); metafor 3.8-1 has no conv.fivenum.
quartile_rows <- function() {
  cases <- expand.grid(n = c(5, 12, 40, 133, 2500), shape = 1:3)
  five <- list(c(1, 3, 5, 8, 12), c(-4, -1.5, .25, 1, 6), c(10, 10.4, 10.9, 15, 31))
  rows <- Map(function(n, shape) {
    q <- five[[shape]]; a <- q[1]; q1 <- q[2]; m <- q[3]; q3 <- q[4]; b <- q[5]
    range_score <- 2 * qnorm((n - .375) / (n + .25)); iqr_score <- 2 * qnorm((.75 * n - .125) / (n + .25))
    w <- 4 / (4 + n^.75); u <- .7 + .39 / n; w1 <- 2.2 / (2.2 + n^.75); w2 <- .7 - .72 / n^.55; s <- 1 / (1 + .07 * n^.6)
    list(n = n, minimum = a, q1 = q1, median = m, q3 = q3, maximum = b,
      range_mean = w * (a + b) / 2 + (1 - w) * m, range_sd = (b - a) / range_score,
      iqr_mean = u * (q1 + q3) / 2 + (1 - u) * m, iqr_sd = (q3 - q1) / iqr_score,
      five_mean = w1 * (a + b) / 2 + w2 * (q1 + q3) / 2 + (1 - w1 - w2) * m,
      five_sd = s * (b - a) / range_score + (1 - s) * (q3 - q1) / iqr_score)
  }, cases$n, cases$shape)
  unname(rows)
}

printed_rows <- function() list(
  ci_to_se = lapply(list(c(-2.1, 4.4, 9), c(.1, .9, 58), c(1, 5, 18)), function(x) list(low = x[1], high = x[2], df = x[3],
    t_se = (x[2] - x[1]) / (2 * qt(.975, x[3])), z_se = (x[2] - x[1]) / (2 * qnorm(.975)),
    t_se_90 = (x[2] - x[1]) / (2 * qt(.95, x[3])))),
  p_to_se = lapply(list(c(3.8, .008, 45), c(-.2, .73, 7), c(12, 1e-9, 210)), function(x) list(difference = x[1],
    p_value = x[2], df = x[3], t_se = abs(x[1]) / qt(x[2] / 2, x[3], lower.tail = FALSE),
    z_se = abs(x[1]) / qnorm(x[2] / 2, lower.tail = FALSE))))

# Combined arms checked on people, not on a formula: made-up samples with exactly these means and SDs.
combined_rows <- function() {
  exactly <- function(n, mean, sd) { x <- seq_len(n)^1.3; mean + sd * (x - mean(x)) / sd(x) }
  lapply(list(list(c(20, 22), c(-2, 1), c(1.5, 1.7)), list(c(50, 50), c(26.5, 32.9), c(4.5, 5.8)),
    list(c(12, 7, 30, 9), c(3, -1, 0, 8), c(2, 5, .4, 1))), function(arms) {
    people <- unlist(Map(exactly, arms[[1]], arms[[2]], arms[[3]]))
    list(n = arr(arms[[1]]), mean = arr(arms[[2]]), sd = arr(arms[[3]]), combined_n = length(people),
      combined_mean = mean(people), combined_sd = sd(people))
  })
}

# Several arms against one control (Gleser and Olkin 2009), pair by pair; the variances are escalc's own.
# The standardised differences of a trial share the SD of all its arms and the J of its degrees of freedom.
shared_rows <- function() {
  pairs <- function(m, variance, covariance) outer(seq_len(m), seq_len(m),
    Vectorize(function(i, j) if (i == j) variance(i) else covariance(i, j)))
  means <- lapply(list(
    list(m = c(7.87, 4.35), sd = c(4.1, 4.4), n = c(25, 22), mc = 1.36, sdc = 4.3, nc = 25),
    list(m = c(9.1, 8.4, 7.7), sd = c(2.2, 3.1, 2.5), n = c(12, 48, 9), mc = 9.6, sdc = 2.9, nc = 31)), function(t) {
    k <- length(t$m)
    e <- function(measure) escalc(measure, m1i = t$m, sd1i = t$sd, n1i = t$n, m2i = rep(t$mc, k), sd2i = rep(t$sdc, k),
      n2i = rep(t$nc, k))
    df <- sum(t$n) + t$nc - k - 1
    s <- sqrt((sum((t$n - 1) * t$sd^2) + (t$nc - 1) * t$sdc^2) / df)
    g <- exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2) * (t$m - t$mc) / s
    total <- 2 * (sum(t$n) + t$nc)
    c(list(mean = arr(t$m), sd = arr(t$sd), n = arr(t$n), mean_control = t$mc, sd_control = t$sdc, n_control = t$nc),
      list(
        MD = list(effect = arr(e("MD")$yi), covariance = matrix_rows(
          pairs(k, function(i) e("MD")$vi[i], function(i, j) t$sdc^2 / t$nc))),
        ROM = list(effect = arr(e("ROM")$yi), covariance = matrix_rows(
          pairs(k, function(i) e("ROM")$vi[i], function(i, j) t$sdc^2 / (t$nc * t$mc^2)))),
        SMD = list(effect = arr(g), covariance = matrix_rows(
          pairs(k, function(i) 1 / t$n[i] + 1 / t$nc + g[i]^2 / total, function(i, j) 1 / t$nc + g[i] * g[j] / total)))))
  })
  events <- lapply(list(list(e = c(40, 25), n = c(100, 80), ec = 30, nc = 120),
    list(e = c(3, 0, 7), n = c(31, 28, 30), ec = 2, nc = 29)), function(t) {
    k <- length(t$e)
    added <- if (any(c(t$e, t$ec) == 0)) 0.5 else 0
    e <- function(measure) escalc(measure, ai = t$e, n1i = t$n, ci = rep(t$ec, k), n2i = rep(t$nc, k), add = added, to = "all")
    a <- t$ec + added; b <- t$nc - t$ec + added
    shared <- c(RR = 1 / a - 1 / (a + b), OR = 1 / a + 1 / b, RD = a * b / (a + b)^3)
    c(list(events = arr(t$e), n = arr(t$n), events_control = t$ec, n_control = t$nc),
      lapply(c(RR = "RR", OR = "OR", RD = "RD"), function(measure) list(effect = arr(e(measure)$yi),
        covariance = matrix_rows(pairs(k, function(i) e(measure)$vi[i], function(i, j) shared[[measure]])))))
  })
  list(means = means, events = events)
}

tables <- function() list(
  counts = lapply(count_tables(), count_record), empty = empty_tables(),
  means = list(normand = mean_record(dat.normand1999, "dat.normand1999", FALSE),
    gibson = mean_record(dat.gibson2002, "dat.gibson2002", FALSE),
    curtis = mean_record(dat.curtis1998, "dat.curtis1998", TRUE)),
  quartiles = quartile_rows(), printed = printed_rows(), combined = combined_rows(),
  shared_control = shared_rows())
