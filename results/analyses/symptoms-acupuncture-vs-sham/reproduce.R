# Symptom scores: acupuncture versus sham or placebo
# The numbers of Trialpool by metafor in R: what result.json beside this file holds, by its names.
library(metafor)

dat <- read.table(header = TRUE, text = '
trial           m1i sd1i n1i  m2i sd2i n2i
"Rostock 2013" -0.8  1.2  14 -1.3  1.3  17
"Choi 2024"     5.4  8.2  17  3.3 10.3  17
')
dat <- escalc(measure = "SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat)

exact <- list(threshold = 1e-10 * min(dat$vi), maxiter = 10000) # by default metafor stops in the fifth digit
random <- rma(yi, vi, data = dat, slab = trial, method = "REML", test = "adhoc", control = exact)
common <- rma(yi, vi, data = dat, slab = trial, method = "FE")
wide <- list(tol = 1e-10 * min(dat$vi), tau2.max = 1e6 * max(dat$vi))
spread <- confint(random, control = wide)$random["tau^2", ] # Q-profile

# The posterior, which metafor does not have: flat prior of the mean, half-normal prior of tau with the scale s. Given
# tau the mean is normal; the sum over tau is exact to the last digits, as what is summed is even and smooth in it.
s <- 0.5
tau <- seq(0, 9 * s, length.out = 10001)
w <- 1 / outer(tau^2, dat$vi, "+")
total <- rowSums(w)
centre <- drop(w %*% dat$yi) / total
fits <- rowSums(log(w)) - log(total) - rowSums(w * outer(centre, dat$yi, "-")^2)
mass <- exp((fits - max(fits) - (tau / s)^2) / 2) * c(0.5, rep(1, 10000))
posterior <- function(p, sd = sqrt(1 / total)) uniroot(function(x) weighted.mean(pnorm(x, centre, sd), mass) - p,
  range(centre) + c(-9, 9) * max(sd), tol = 1e-12 * max(sd))$root
if (requireNamespace("bayesmeta", quietly = TRUE)) # the same to some four digits
  print(bayesmeta::bayesmeta(dat$yi, sqrt(dat$vi), tau.prior = function(t) bayesmeta::dhalfnormal(t, s),
    interval.type = "central"))

numbers <- c(
  estimate = posterior(0.5), ci_low = posterior(0.025), ci_high = posterior(0.975),
  tau2 = random$tau2, tau2_low = spread[[2]], tau2_high = spread[[3]],
  i2 = random$I2, q = random$QE, q_p_value = random$QEp,
  random_estimate = random$beta[[1]], hksj_low = random$ci.lb, hksj_high = random$ci.ub,
  common_estimate = common$beta[[1]], common_low = common$ci.lb, common_high = common$ci.ub,
  bayes_estimate = posterior(0.5), bayes_low = posterior(0.025), bayes_high = posterior(0.975)
)
cat(sprintf("%-15s %.10g\n", names(numbers), numbers), sep = "")
