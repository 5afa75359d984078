# What the evidence of a network consists of, taken literally: pairs of arms pooled one by one, designs taken out one
# by one, components as columns of the design. tau^2 is solved and handed to rma.mv as in network.R.

# Every pair of treatments: its studies' contrasts with tau^2 added pooled by their inverse variances, rma.mv's estimate
# of the network, and what of the latter the former leaves (back-calculation, Dias et al. 2010).
evidence_pairs <- function(arms, net, tau2) {
  fit <- network_fit(net, net$X, tau2)
  b <- c(0, fit$beta); vb <- rbind(0, cbind(0, vcov(fit)))
  k <- length(net$treatments)
  rows <- list()
  for (second in 1:(k - 1)) for (first in (second + 1):k) {
    network <- c(b[first] - b[second], sqrt(vb[first, first] + vb[second, second] - 2 * vb[first, second]))
    pieces <- lapply(split(arms, arms$study), function(a) {
      at <- match(net$treatments[c(first, second)], a$treatment)
      if (anyNA(at)) NULL else c(a$estimate[at[1]] - a$estimate[at[2]], sum(a$variance[at]))
    })
    pieces <- do.call(rbind, pieces)
    if (is.null(pieces)) next
    direct <- rma.uni(pieces[, 1], pieces[, 2], tau2 = tau2)
    share <- network[2]^2 / direct$se^2
    rows[[length(rows) + 1]] <- list(experimental = net$treatments[first], control = net$treatments[second],
      studies = nrow(pieces), direct = c(direct$beta), direct_se = direct$se, network = network[1], network_se = network[2],
      share_direct = share)
  }
  fields <- names(rows[[1]])
  setNames(lapply(fields, function(f) arr(vapply(rows, function(r) r[[f]], rows[[1]][[f]]))), fields)
}

# Q between designs, part by part, before and after the studies of a design are taken out (Krahn et al. 2013).
evidence_heat <- function(net) {
  designs <- sort(unique(net$design))
  pooled <- lapply(designs, function(d) {
    own <- net$design == d; W <- solve(net$V[own, own]); X <- net$incidence[own, , drop = FALSE]
    names <- strsplit(d, ":")[[1]]
    to <- matrix(0, length(net$treatments), length(names) - 1, dimnames = list(net$treatments, NULL))
    for (i in seq_along(names[-1])) to[names[i + 1], i] <- 1
    Z <- X %*% to; information <- crossprod(Z, W %*% Z)
    rows <- t(to); rows[, names[1]] <- -1
    list(y = c(solve(information, crossprod(Z, W %*% net$y[own]))), W = information, X = rows[, -1, drop = FALSE])
  })
  q <- function(left) {
    used <- pooled[left]
    total <- Reduce(`+`, lapply(used, function(p) crossprod(p$X, p$W %*% p$X)))
    pull <- Reduce(`+`, lapply(used, function(p) crossprod(p$X, p$W %*% p$y)))
    eigen <- eigen(total, symmetric = TRUE); good <- eigen$values > 1e-9 * max(eigen$values)
    b <- eigen$vectors[, good] %*% (crossprod(eigen$vectors[, good], pull) / eigen$values[good])
    found <- numeric(length(pooled))
    found[left] <- vapply(used, function(p) { r <- p$y - p$X %*% b; c(crossprod(r, p$W %*% r)) }, 0)
    found
  }
  every <- seq_along(designs); before <- q(every)
  list(designs = arr(designs), q = arr(before), heat = matrix_rows(vapply(every, function(d) before - q(setdiff(every, d)), before)))
}

components_fit <- function(net, inactive) {
  parts <- strsplit(net$treatments, "+", fixed = TRUE)
  components <- setdiff(sort(unique(unlist(parts))), inactive)
  C <- t(vapply(parts, function(p) as.numeric(components %in% p), numeric(length(components))))
  additive <- net; additive$X <- net$incidence %*% C
  tau2 <- network_tau2(additive, additive$X)
  fit <- network_fit(additive, additive$X, tau2)
  q <- function(X) { W <- solve(net$V); c(crossprod(net$y, W %*% (net$y - X %*% solve(crossprod(X, W %*% X), crossprod(X, W %*% net$y))))) }
  list(components = arr(components), tau2 = fit$tau2, effects = arr(fit$beta), se = arr(fit$se), q = q(additive$X), q_standard = q(net$X))
}

network_evidence <- function() {
  stacked <- function(data) stats::na.omit(do.call(rbind, lapply(1:3, function(i) data.frame(study = data$study,
    treatment = data[[paste0("t", i)]], estimate = data[[paste0("y", i)]], variance = data[[paste0("sd", i)]]^2 / data[[paste0("n", i)]]))))
  of_counts <- function(data, events, treatment, inactive) {
    x <- data[[events]]; n <- data$total
    silent <- ave(x, data$id, FUN = sum) %in% 0 | ave(n - x, data$id, FUN = sum) == 0
    data <- data[!silent, ]; x <- data[[events]]; n <- data$total
    empty <- ave(as.numeric(x == 0 | x == n), data$id, FUN = max) * 0.5
    a <- x + empty; b <- n - x + empty
    data.frame(study = as.character(data$id), treatment = data[[treatment]], estimate = log(a / b), variance = 1 / a + 1 / b)
  }
  sets <- lapply(network_arms(), function(entry) list(source = entry$source, arms = entry$arms))
  sets$stowe <- list(source = "dat.stowe2010", arms = stacked(dat.stowe2010))
  sets$baker <- list(source = "dat.baker2009", arms = of_counts(dat.baker2009, "exac", "treatment"), inactive = "Placebo")
  sets <- lapply(sets, function(entry) {
    arms <- entry$arms
    arms$estimate <- signif(arms$estimate, 12); arms$variance <- signif(arms$variance, 12)
    reference <- names(which.max(table(arms$treatment)))
    net <- contrasts_of(arms, reference)
    tau2 <- network_tau2(net, net$X)
    c(list(source = entry$source, study = arr(as.character(arms$study)), treatment = arr(arms$treatment), estimate = arr(arms$estimate),
      variance = arr(arms$variance), reference = reference, tau2 = tau2, pairs = evidence_pairs(arms, net, tau2), heat = evidence_heat(net)),
      if (!is.null(entry$inactive)) list(inactive = entry$inactive, components = components_fit(net, entry$inactive)))
  })
  counts <- dat.dogliotti2014
  list(datasets = sets, counts = list(dogliotti = list(source = "dat.dogliotti2014", study = arr(counts$study),
    treatment = arr(counts$treatment), events = arr(counts$stroke), n = arr(counts$total))))
}
