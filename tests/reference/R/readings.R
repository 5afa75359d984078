# Agreement of two readings, by R's own arithmetic: kappa with its error by numeric derivatives, the intraclass
# correlation from the mean squares of lm, and limits of agreement. Data as printed in the papers.

kappa_of <- function(p) {
  p <- p / sum(p)
  chance <- sum(rowSums(p) * colSums(p))
  (sum(diag(p)) - chance) / (1 - chance)
}

kappa_record <- function(counts) {
  p <- as.vector(counts / sum(counts))
  at <- function(i, h) { p[i] <- p[i] + h; kappa_of(matrix(p, nrow(counts))) }
  slope <- vapply(seq_along(p), function(i) (at(i, 1e-6) - at(i, -1e-6)) / 2e-6, 0)
  covariance <- (diag(p) - p %o% p) / sum(counts)
  list(counts = lapply(seq_len(nrow(counts)), function(i) arr(counts[i, ])), estimate = kappa_of(counts),
    se = sqrt(drop(t(slope) %*% covariance %*% slope)))
}

icc_record <- function(x) {
  n <- nrow(x); k <- ncol(x)
  d <- data.frame(y = c(x), thing = factor(row(x)), reader = factor(col(x)))
  ms <- stats::anova(stats::lm(y ~ thing + reader, d))[["Mean Sq"]]
  icc <- (ms[1] - ms[3]) / (ms[1] + (k - 1) * ms[3] + k * (ms[2] - ms[3]) / n)
  a <- k * icc / (n * (1 - icc)); b <- 1 + k * icc * (n - 1) / (n * (1 - icc))
  v <- (a * ms[2] + b * ms[3])^2 / ((a * ms[2])^2 / (k - 1) + (b * ms[3])^2 / ((n - 1) * (k - 1)))
  below <- stats::qf(.975, n - 1, v); above <- stats::qf(.975, v, n - 1)
  rest <- k * ms[2] + (k * n - k - n) * ms[3]
  list(readings = lapply(seq_len(n), function(i) arr(x[i, ])), estimate = icc,
    ci_low = n * (ms[1] - below * ms[3]) / (below * rest + n * ms[1]),
    ci_high = n * (above * ms[1] - ms[3]) / (rest + n * above * ms[1]))
}

limits_record <- function(first, second) {
  d <- second - first
  list(first = arr(first), second = arr(second), mean = mean(d), low = mean(d) - 1.96 * stats::sd(d),
    high = mean(d) + 1.96 * stats::sd(d))
}

reading_agreement <- function() {
  judges <- matrix(c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7), 6, byrow = TRUE)
  list(
    kappa = list(fleiss_1969 = kappa_record(matrix(c(106, 22, 2, 10, 28, 12, 4, 10, 6), 3)),
      two_words = kappa_record(matrix(c(20, 10, 5, 15), 2))),
    icc = list(shrout_1979 = icc_record(judges), two_judges = icc_record(judges[, 1:2]),
      last_judges = icc_record(judges[, 3:4])),
    limits = list(bland_1986 = limits_record(
      c(494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427),
      c(512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451))))
}
