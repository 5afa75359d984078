# The data sets of docs/ with metafor's answers, as a reader of the pages would ask for them, solved to the last bit:
# one entry a number, with the call that gives it. The pages show them beside what trialpool answers.

said <- function(label, call, value) list(label = label, call = call, value = unname(c(value)))

pooled_said <- function(fit, call, test = "knha") {
  new <- predict(fit)
  list(
    estimate = said("estimate", call, fit$beta[1]), se = said("standard error", call, fit$se[1]),
    ci_low = said("lower bound", call, fit$ci.lb[1]), ci_high = said("upper bound", call, fit$ci.ub[1]),
    tau2 = said("τ²", call, fit$tau2), i2 = said("I², per cent", call, fit$I2), q = said("Q", call, fit$QE),
    pi_low = said("lower bound for a new trial", paste0("predict(", call, ")"), new$pi.lb),
    pi_high = said("upper bound for a new trial", paste0("predict(", call, ")"), new$pi.ub))
}

latitude_r2 <- function(d, x) 100 * (1 - tight(d$yi, d$vi, cbind(1, x))$tau2 / tight(d$yi, d$vi)$tau2)

library_bcg <- function() {
  counts <- transform(dat.bcg, n1 = tpos + tneg, n2 = cpos + cneg)
  of <- function(measure) escalc(measure = measure, ai = tpos, n1i = n1, ci = cpos, n2i = n2, data = counts)
  rr <- of("RR")
  fit <- tight(rr$yi, rr$vi, test = "adhoc")
  wald <- tight(rr$yi, rr$vi)
  bounds <- q_profile(rr$yi, rr$vi)
  mh <- function(measure) rma.mh(measure = measure, ai = tpos, n1i = n1, ci = cpos, n2i = n2, data = counts)
  peto <- rma.peto(ai = tpos, n1i = n1, ci = cpos, n2i = n2, data = counts)
  latitude <- tight(rr$yi, rr$vi, cbind(1, counts$ablat), test = "knha")
  egger <- regtest(wald, model = "lm")
  mirrored <- filled(rr$yi, rr$vi, "REML", "L0")
  without <- tight(rr$yi[-1], rr$vi[-1])
  c(pooled_said(fit, 'rma(yi, vi, test = "adhoc")'), list(
    tau2_low = said("lower bound of τ²", "confint(fit)", bounds$low),
    tau2_high = said("upper bound of τ²", "confint(fit)", bounds$high),
    or_estimate = said("log odds ratio", 'rma(yi, vi), escalc "OR"', with(of("OR"), tight(yi, vi)$beta[1])),
    rd_estimate = said("risk difference", 'rma(yi, vi), escalc "RD"', with(of("RD"), tight(yi, vi)$beta[1])),
    mh_rr = said("Mantel–Haenszel log risk ratio", 'rma.mh(measure = "RR")', mh("RR")$beta[1]),
    mh_or = said("Mantel–Haenszel log odds ratio", 'rma.mh(measure = "OR")', mh("OR")$beta[1]),
    peto = said("Peto's log odds ratio", "rma.peto()", peto$beta[1]),
    ablat = said("slope of latitude", "rma(yi, vi, mods = ~ ablat)", latitude$beta[2]),
    ablat_p = said("its p-value (Knapp–Hartung)", 'rma(…, test = "knha")', latitude$pval[2]),
    r2 = said("R², per cent", "rma(yi, vi, mods = ~ ablat)", latitude_r2(rr, counts$ablat)),
    egger_t = said("Egger's t", 'regtest(fit, model = "lm")', egger$zval),
    egger_p = said("its p-value", 'regtest(fit, model = "lm")', egger$pval),
    filled = said("log risk ratio with the trial filled in", "trimfill(fit)", mirrored$estimate),
    without = said("log risk ratio without Aronson", "leave1out(fit)", without$beta[1])))
}

library_stroke <- function() {
  of <- function(measure) escalc(measure = measure, m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i,
    data = dat.normand1999)
  smd <- with(of("SMD"), tight(yi, vi, test = "adhoc"))
  md <- with(of("MD"), tight(yi, vi, test = "adhoc"))
  rom <- with(of("ROM"), tight(yi, vi, test = "adhoc"))
  call <- 'rma(yi, vi, test = "adhoc")'
  c(pooled_said(smd, paste(call, "of SMDs")), list(
    md = said("mean difference, days", paste(call, "of MDs"), md$beta[1]),
    md_low = said("lower bound", paste(call, "of MDs"), md$ci.lb), md_high = said("upper bound", paste(call, "of MDs"), md$ci.ub),
    rom = said("log ratio of means", paste(call, "of ROMs"), rom$beta[1]),
    rom_tau2 = said("τ² of log ratios", paste(call, "of ROMs"), rom$tau2)))
}

library_smoke <- function() {
  z <- qnorm(.975)
  yi <- log(dat.hackshaw1998$or); vi <- ((log(dat.hackshaw1998$or.ub) - log(dat.hackshaw1998$or.lb)) / (2 * z))^2
  fit <- tight(yi, vi, test = "adhoc")
  wald <- tight(yi, vi)
  mirrored <- filled(yi, vi, "REML", "L0"); lm <- regtest(wald, model = "lm"); rank <- ranktest(wald)
  c(pooled_said(fit, 'rma(yi, vi, test = "adhoc")'), list(
    egger_t = said("Egger's t", 'regtest(fit, model = "lm")', lm$zval), egger_p = said("its p-value", 'regtest(fit, model = "lm")', lm$pval),
    begg_p = said("Begg's p-value", "ranktest(fit)", rank$pval),
    missing = said("trials missing", "trimfill(fit)", mirrored$k0), filled = said("log odds ratio with them", "trimfill(fit)", mirrored$estimate)))
}

library_survival <- function() {
  fit <- with(dat.pignon2000, tight(OmE / V, 1 / V, test = "adhoc"))
  common <- with(dat.pignon2000, rma(OmE / V, 1 / V, method = "EE"))
  c(pooled_said(fit, 'rma(OmE / V, 1 / V, test = "adhoc")'), list(
    common = said("common effect, log hazard ratio", 'rma(…, method = "EE")', common$beta[1])))
}

library_catheters <- function() {
  d <- as.data.frame(lapply(dat.nielweise2007[, c("ai", "n1i", "ci", "n2i")], as.numeric))
  t <- setNames(d, c("events1", "n1", "events2", "n2"))
  kept <- t[t$events1 + t$events2 > 0, ]
  mixed <- function(model) mixed_model(kept, model, FALSE)
  tests <- event_test_record(list(source = "", table = t))
  mh <- suppressWarnings(rma.mh(ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = d))
  peto <- suppressWarnings(rma.peto(ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = d))
  fixed <- mixed("UM.FS"); exact <- mixed("CM.EL")
  list(mh = said("Mantel–Haenszel log odds ratio", "rma.mh()", mh$beta[1]),
    mh_se = said("its standard error", "rma.mh()", mh$se), peto = said("Peto's log odds ratio", "rma.peto()", peto$beta[1]),
    fixed = said("mixed model, fixed trial effects", "rma.glmm(model = \"UM.FS\")", fixed$estimate),
    fixed_tau2 = said("its τ²", "rma.glmm(model = \"UM.FS\")", fixed$tau2),
    exact = said("conditional, exact", "rma.glmm(model = \"CM.EL\")", exact$estimate),
    exact_tau2 = said("its τ²", "rma.glmm(model = \"CM.EL\")", exact$tau2),
    harbord = said("Harbord's t", "lm(Z/V ~ 1/sqrt(V), weights = V)", tests$harbord$statistic))
}

library_days <- function() {
  d <- dat.nielweise2008
  mh <- function(measure) rma.mh(measure = measure, x1i = x1i, t1i = t1i, x2i = x2i, t2i = t2i, data = d)
  e <- escalc("IRR", x1i = x1i, t1i = t1i, x2i = x2i, t2i = t2i, data = d)
  fit <- tight(c(e$yi), c(e$vi), test = "adhoc")
  list(estimate = said("log rate ratio", 'rma(yi, vi, test = "adhoc")', fit$beta[1]), tau2 = said("τ²", 'rma(yi, vi, test = "adhoc")', fit$tau2),
    ci_low = said("lower bound", 'rma(yi, vi, test = "adhoc")', fit$ci.lb), mh = said("Mantel–Haenszel", 'rma.mh(measure = "IRR")', mh("IRR")$beta[1]),
    mh_difference = said("difference, a day", 'rma.mh(measure = "IRD")', mh("IRD")$beta[1]))
}

library_vasospasm <- function() {
  of <- function(measure) { e <- escalc(measure, xi = xi, ni = ni, data = dat.pritz1997); tight(c(e$yi), c(e$vi), test = "adhoc") }
  call <- 'rma(yi, vi, test = "adhoc")'
  c(pooled_said(of("PLO"), paste(call, "of PLO")), list(
    raw = said("proportion", paste(call, "of PR"), of("PR")$beta[1]),
    arcsine = said("arcsine of its root", paste(call, "of PAS"), of("PAS")$beta[1]),
    log = said("its logarithm", paste(call, "of PLN"), of("PLN")$beta[1])))
}

library_schools <- function() {
  fit <- with(dat.konstantopoulos2011, multilevel_fit(data.frame(y = yi, v = vi, cluster = district), 0, "REML"))
  call <- "rma.mv(yi, vi, random = ~ 1 | district / school)"
  list(estimate = said("estimate", call, fit$estimate), se = said("standard error", call, fit$se),
    between = said("σ² between districts", call, fit$sigma2_between),
    within = said("σ² within districts", call, fit$sigma2_within),
    robust_low = said("lower bound, CR2", 'clubSandwich: coef_test(fit, "CR2")', fit$robust_ci_low),
    robust_high = said("upper bound, CR2", 'clubSandwich: coef_test(fit, "CR2")', fit$robust_ci_high))
}

library_diabetes <- function() {
  net <- contrasts_of(with(dat.senn2013, data.frame(study, treatment, estimate = mi, variance = sdi^2 / ni)), "placebo")
  fit <- network_fit(net, net$X, network_tau2(net, net$X))
  call <- "rma.mv(yi, V, mods = X - 1, random = ~ arm | study, rho = 1/2)"
  list(tau2 = said("τ²", call, fit$tau2),
    metformin = said("metformin against placebo", call, fit$beta["metformin", ]),
    rosiglitazone = said("rosiglitazone against placebo", call, fit$beta["rosiglitazone", ]),
    rosiglitazone_low = said("lower bound", call, fit$ci.lb[match("rosiglitazone", rownames(fit$beta))]),
    rosiglitazone_high = said("upper bound", call, fit$ci.ub[match("rosiglitazone", rownames(fit$beta))]))
}

library_pages <- function() list(bcg = library_bcg(), stroke = library_stroke(), smoke = library_smoke(),
  survival = library_survival(), catheters = library_catheters(), days = library_days(), vasospasm = library_vasospasm(),
  schools = library_schools(), diabetes = library_diabetes())
