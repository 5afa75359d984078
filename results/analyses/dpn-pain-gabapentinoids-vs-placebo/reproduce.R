# Diabetic neuropathy, pain: gabapentin or pregabalin versus placebo
# The numbers of Trialpool by metafor in R: what result.json beside this file holds, by its names.
library(metafor)

dat <- read.table(header = TRUE, text = '
trial                                              m1i        sd1i n1i   m2i        sd2i n2i    yi            vi
"Pfizer A0081030"                                   NA          NA  NA    NA          NA  NA  -0.3 0.04896024795
"Pfizer A0081071"                         -2.574347826 2.442289021 299 -2.32 2.441311123 149    NA            NA
"Pfizer A0081081 (diabetic part)"                -2.71 2.391652149 143 -2.32 2.091650066  70    NA            NA
"NCT02318706 (mirogabalin phase 3, Baba)"           NA          NA  NA    NA          NA  NA  -0.5 0.02749731094
"Pfizer 1008-040"                                   NA          NA  NA    NA          NA  NA -0.64    0.13481758
"Pfizer 1008-131"                                   NA          NA  NA    NA          NA  NA -1.47  0.1326583825
"Pfizer 1008-149"                          -2.26662069  2.53787823 290 -1.77 2.507349198  93    NA            NA
"Pfizer 1008-155 (diabetic part)"         -2.995888325 2.623568385 197 -1.78 2.509462094  46    NA            NA
"Backonja 1998"                                     NA          NA  NA    NA          NA  NA  -1.2   0.108357161
"Lesser 2004"                             -2.320167364   2.1505268 239 -1.35 2.068260138  97    NA            NA
"Richter 2005"                            -2.017639752 2.140893072 161 -1.16 2.082738582  82    NA            NA
"Arezzo 2008"                                     -2.9 2.325510697  80 -1.62 2.277608395  83    NA            NA
')
dat <- escalc(measure = "MD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat, replace = FALSE)

exact <- list(threshold = 1e-10 * min(dat$vi), maxiter = 10000) # by default metafor stops in the fifth digit
random <- rma(yi, vi, data = dat, slab = trial, method = "REML", test = "adhoc", control = exact)
common <- rma(yi, vi, data = dat, slab = trial, method = "FE")
wide <- list(tol = 1e-10 * min(dat$vi), tau2.max = 1e6 * max(dat$vi))
spread <- confint(random, control = wide)$random["tau^2", ] # Q-profile
new <- predict(random)

# The posterior, which metafor does not have: flat prior of the mean, half-normal prior of tau with the scale s. Given
# tau the mean is normal; the sum over tau is exact to the last digits, as what is summed is even and smooth in it.
s <- 1.12032531
tau <- seq(0, 9 * s, length.out = 10001)
w <- 1 / outer(tau^2, dat$vi, "+")
total <- rowSums(w)
centre <- drop(w %*% dat$yi) / total
fits <- rowSums(log(w)) - log(total) - rowSums(w * outer(centre, dat$yi, "-")^2)
mass <- exp((fits - max(fits) - (tau / s)^2) / 2) * c(0.5, rep(1, 10000))
posterior <- function(p, sd = sqrt(1 / total)) uniroot(function(x) weighted.mean(pnorm(x, centre, sd), mass) - p,
  range(centre) + c(-9, 9) * max(sd), tol = 1e-12 * max(sd))$root

numbers <- c(
  estimate = random$beta[[1]], ci_low = random$ci.lb, ci_high = random$ci.ub,
  se = random$se, statistic = random$zval, p_value = random$pval,
  pi_low = new$pi.lb, pi_high = new$pi.ub,
  tau2 = random$tau2, tau2_low = spread[[2]], tau2_high = spread[[3]],
  i2 = random$I2, q = random$QE, q_p_value = random$QEp,
  random_estimate = random$beta[[1]], hksj_low = random$ci.lb, hksj_high = random$ci.ub,
  common_estimate = common$beta[[1]], common_low = common$ci.lb, common_high = common$ci.ub,
  bayes_estimate = posterior(0.5), bayes_low = posterior(0.025), bayes_high = posterior(0.975)
)
cat(sprintf("%-15s %.10g\n", names(numbers), numbers), sep = "")
