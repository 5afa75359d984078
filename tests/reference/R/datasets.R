# The inputs: data sets of metadat as effects and variances, subsets of them with two or three studies, and small
# constructed ones for the corners. Inputs are rounded to 12 significant digits before anything is fitted, so that R
# and the reader of the JSON start from the same doubles.

inputs <- function(y, v, source, measure, extra = list()) {
  keep <- !is.na(y) & !is.na(v)
  list(effects = signif(as.numeric(y)[keep], 12), variances = signif(as.numeric(v)[keep], 12),
    source = source, measure = measure, extra = lapply(extra, function(e) e[keep]))
}

from_counts <- function(data, source, measure, ai, n1i, ci, n2i, extra = list()) {
  e <- escalc(measure = measure, ai = data[[ai]], n1i = data[[n1i]], ci = data[[ci]], n2i = data[[n2i]])
  inputs(e$yi, e$vi, source, measure, extra)
}

from_means <- function(data, source, measure, extra = list()) {
  e <- escalc(measure = measure, m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = data)
  inputs(e$yi, e$vi, source, measure, extra)
}

from_correlations <- function(r, n, source) {
  e <- escalc(measure = "ZCOR", ri = r, ni = n)
  inputs(e$yi, e$vi, source, "ZCOR")
}

first <- function(set, n) {
  set$extra <- lapply(set$extra, head, n)
  set$effects <- head(set$effects, n); set$variances <- head(set$variances, n)
  set$source <- paste0(set$source, ", first ", n)
  set
}

counted <- function() {
  ai <- "ai"; n1 <- "n1i"; ci <- "ci"; n2 <- "n2i"
  bcg <- transform(dat.bcg, n1 = tpos + tneg, n2 = cpos + cneg)
  bcg_mods <- list(latitude = bcg$ablat, year = bcg$year, allocation = bcg$alloc)
  yusuf <- subset(dat.yusuf1985, table == "6")
  cbt <- transform(dat.landenberger2005, n1 = n.cbt.rec + n.cbt.non, n2 = n.ctrl.rec + n.ctrl.non)
  hiv <- transform(dat.vanhowe1999, n1 = non.pos + non.neg, n2 = cir.pos + cir.neg)
  list(
    bcg_rr = from_counts(bcg, "dat.bcg", "RR", "tpos", "n1", "cpos", "n2", bcg_mods),
    bcg_or = from_counts(bcg, "dat.bcg", "OR", "tpos", "n1", "cpos", "n2"),
    bcg_rd = from_counts(bcg, "dat.bcg", "RD", "tpos", "n1", "cpos", "n2"),
    hine_rd = from_counts(dat.hine1989, "dat.hine1989", "RD", ai, n1, ci, n2),
    collins_preeclampsia_or = from_counts(dat.collins1985b, "dat.collins1985b", "OR",
      "pre.xti", "pre.nti", "pre.xci", "pre.nci"),
    collins_stillbirth_peto = from_counts(dat.collins1985b, "dat.collins1985b (stillbirths)", "PETO",
      "stb.xti", "fup.nti", "stb.xci", "fup.nci"),
    collins_ulcer_peto = from_counts(dat.collins1985a, "dat.collins1985a (deaths)", "PETO",
      "d.xti", "nti", "d.xci", "nci"),
    egger_or = from_counts(dat.egger2001, "dat.egger2001", "OR", ai, n1, ci, n2),
    lee_or = from_counts(dat.lee2004, "dat.lee2004", "OR", ai, n1, ci, n2),
    li_or = from_counts(dat.li2007, "dat.li2007", "OR", ai, n1, ci, n2),
    linde_rr = from_counts(dat.linde2005, "dat.linde2005", "RR", ai, n1, ci, n2),
    lau_or = from_counts(dat.lau1992, "dat.lau1992", "OR", ai, n1, ci, n2, list(year = dat.lau1992$year)),
    yusuf_peto = from_counts(yusuf, "dat.yusuf1985, table 6", "PETO", ai, n1, ci, n2),
    yusuf_or = from_counts(yusuf, "dat.yusuf1985, table 6", "OR", ai, n1, ci, n2),
    graves_rr = from_counts(dat.graves2010, "dat.graves2010", "RR", ai, n1, ci, n2),
    hahn_rr = from_counts(dat.hahn2001, "dat.hahn2001", "RR", ai, n1, ci, n2),
    damico_or = from_counts(dat.damico2009, "dat.damico2009", "OR", "xt", "nt", "xc", "nc",
      list(year = dat.damico2009$year)),
    nielweise_or = from_counts(dat.nielweise2007, "dat.nielweise2007", "OR", ai, n1, ci, n2),
    dorn_rr = from_counts(dat.dorn2007, "dat.dorn2007", "RR", "x.a", "n.a", "x.p", "n.p"),
    landenberger_or = from_counts(cbt, "dat.landenberger2005", "OR", "n.cbt.rec", "n1", "n.ctrl.rec", "n2",
      list(months = cbt$interval, length = cbt$length)),
    laopaiboon_rr = from_counts(dat.laopaiboon2015, "dat.laopaiboon2015", "RR", ai, n1, ci, n2),
    laopaiboon_rd = from_counts(dat.laopaiboon2015, "dat.laopaiboon2015", "RD", ai, n1, ci, n2),
    vanhowe_or = from_counts(hiv, "dat.vanhowe1999", "OR", "non.pos", "n1", "cir.pos", "n2"),
    anand_or = from_counts(dat.anand1999, "dat.anand1999", "OR", ai, n1, ci, n2),
    axfors_or = from_counts(dat.axfors2021, "dat.axfors2021", "OR",
      "hcq_arm_event", "hcq_arm_total", "control_arm_event", "control_arm_total"),
    viechtbauer_or = from_counts(dat.viechtbauer2021, "dat.viechtbauer2021", "OR", "xTi", "nTi", "xCi", "nCi",
      list(dose = dat.viechtbauer2021$dose)),
    hartmannboyce_rr = from_counts(dat.hartmannboyce2018, "dat.hartmannboyce2018", "RR",
      "x.nrt", "n.nrt", "x.ctrl", "n.ctrl"))
}

measured <- function() {
  colds <- subset(dat.dagostino1998, outcome == "rnic1")
  colds <- data.frame(m1i = colds$mt, sd1i = colds$sdt, n1i = colds$tnt, m2i = colds$mc, sd2i = colds$sdc, n2i = colds$tnc)
  brains <- with(dat.michael2013, data.frame(m1i = Brain_m, sd1i = Brain_s, n1i = Brain_n,
    m2i = No_brain_m, sd2i = No_brain_s, n2i = No_brain_n))
  list(
    normand_smd = from_means(dat.normand1999, "dat.normand1999", "SMD"),
    normand_md = from_means(dat.normand1999, "dat.normand1999", "MD"),
    gibson_smd = from_means(dat.gibson2002, "dat.gibson2002", "SMD", list(type = dat.gibson2002$type)),
    gibson_md = from_means(dat.gibson2002, "dat.gibson2002", "MD"),
    curtis_rom = from_means(dat.curtis1998, "dat.curtis1998", "ROM", list(time = dat.curtis1998$time)),
    curtis_md = from_means(dat.curtis1998, "dat.curtis1998", "MD"),
    colds_md = from_means(colds, "dat.dagostino1998, outcome rnic1", "MD"),
    michael_md = from_means(brains, "dat.michael2013", "MD"),
    raudenbush_smd = with(dat.raudenbush1985, inputs(yi, vi, "dat.raudenbush1985", "SMD", list(weeks = weeks))),
    hackshaw_or = with(dat.hackshaw1998, inputs(yi, vi, "dat.hackshaw1998", "OR", list(year = year))),
    bangertdrowns_smd = with(dat.bangertdrowns2004, inputs(yi, vi, "dat.bangertdrowns2004", "SMD",
      list(length = length, grade = as.numeric(grade), information = info))),
    baskerville_smd = with(dat.baskerville2012, inputs(smd, se^2, "dat.baskerville2012", "SMD")),
    begg_log_survival = with(dat.begg1989, inputs(yi, vi, "dat.begg1989", "survival")),
    lehmann_smd = with(dat.lehmann2018, inputs(yi, vi, "dat.lehmann2018", "SMD")),
    kalaian_smd = with(dat.kalaian1996, inputs(yi, vi, "dat.kalaian1996", "SMD", list(hours = hrs))),
    riley_hazard = with(subset(dat.riley2003, outcome == "OS"), inputs(yi, vi, "dat.riley2003 (OS)", "log HR")),
    pignon_hazard = with(dat.pignon2000, inputs(OmE / V, 1 / V, "dat.pignon2000", "log HR", list(group = grp))),
    mcdaniel_z = from_correlations(dat.mcdaniel1994$ri, dat.mcdaniel1994$ni, "dat.mcdaniel1994"),
    molloy_z = from_correlations(dat.molloy2014$ri, dat.molloy2014$ni, "dat.molloy2014"),
    cohen_z = from_correlations(dat.cohen1981$ri, dat.cohen1981$ni, "dat.cohen1981"),
    crede_z = from_correlations(dat.crede2010$ri, dat.crede2010$ni, "dat.crede2010"),
    bakdash_z = first(with(dat.bakdash2021, inputs(es.z, vi.z, "dat.bakdash2021", "ZCOR")), 300),
    mccurdy_proportion = first(with(dat.mccurdy2020, inputs(yi, vi, "dat.mccurdy2020", "mean proportion")), 300))
}

small <- function(real) {
  list(
    bcg_first_two = first(real$bcg_rr, 2), bcg_first_three = first(real$bcg_rr, 3),
    hine_first_three = first(real$hine_rd, 3), normand_smd_first_two = first(real$normand_smd, 2),
    normand_smd_first_four = first(real$normand_smd, 4), li_first_two = first(real$li_or, 2),
    gibson_md_first_three = first(real$gibson_md, 3))
}

constructed <- function(real) {
  made <- function(y, v, what) inputs(y, v, paste("constructed:", what), "GEN")
  bcg <- real$bcg_rr
  list(
    two_studies = made(c(.2, .8), c(.04, .05), "two studies"),
    between_but_quiet = made(c(.30, .10, .55, .42, .20), c(.09, .004, .10, .02, .05), "tau2 > 0 yet HKSJ factor < 1"),
    empty_q_profile = made(c(.100, .102, .101, .1005), c(.04, .05, .03, .06), "Q below the lower chi-square quantile"),
    equal_effects = made(rep(.375, 6), c(.02, .05, .11, .01, .3, .07), "all effects equal"),
    equal_variances = made(c(-.4, .1, .35, .9, 1.2, .05, -.1), rep(.0625, 7), "all variances equal"),
    extreme_weights = made(c(.11, .42, -.3, 1.9, .6, -2.2, .2), 10^c(-6, -4, -2, 0, 1, 2, 4), "variances over ten decades"),
    one_giant = made(c(.02, .8, .7, 1.1, .9, .4), c(1e-5, .2, .3, .15, .4, .25), "one study outweighs all"),
    far_from_zero = made(1e4 + c(-.4, .3, .9, .2, 1.4), c(.09, .16, .04, .25, .12), "effects far from zero"),
    tiny_units = made(bcg$effects * 1e-6, bcg$variances * 1e-12, "dat.bcg in units a million times smaller"),
    huge_units = made(bcg$effects * 1e5, bcg$variances * 1e10, "dat.bcg in units a hundred thousand times larger"),
    # Found by random search. metafor climbs from the Hedges estimate to the nearest maximum; the higher one is the
    # restricted maximum-likelihood estimate and is what is recorded here.
    two_maxima_inner = made(c(-5.6, .34, .2), c(5.9, .011, .0034), "two likelihood maxima, the inner one higher"),
    two_maxima_outer = made(c(-.046, 1.4, .96, -2.1, .19), c(.0039, .47, 6.5, .87, .025),
      "two likelihood maxima, the outer one higher"),
    two_maxima_zero = made(c(-4.2, .088, .14), c(2.3, .0045, .0049), "two likelihood maxima, zero the higher"),
    two_maxima_not_zero = made(c(-.04, -2.7, .036), c(.0036, .42, .013), "two likelihood maxima, zero the lower"))
}

all_datasets <- function() {
  real <- c(counted(), measured())
  c(real, small(real), constructed(real))
}
