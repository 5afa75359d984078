# Canonical JSON with 15 significant digits: keys in the order given, vectors on one line, NULL and NA as null,
# infinities as strings (JSON has no word for them).

json_number <- function(x) {
  ifelse(is.na(x), "null",
    ifelse(is.infinite(x), ifelse(x > 0, '"Infinity"', '"-Infinity"'),
      sub("^-0$", "0", sprintf("%.15g", x))))
}

json_atom <- function(x) {
  if (is.character(x)) ifelse(is.na(x), "null", paste0('"', gsub('(["\\\\])', "\\\\\\1", x), '"'))
  else if (is.logical(x)) ifelse(is.na(x), "null", ifelse(x, "true", "false"))
  else json_number(as.numeric(x))
}

# A length-one vector is a number unless it was wrapped in arr(): one study is still a list of studies.
arr <- function(x) structure(list(values = as.vector(x)), class = "json_array")

matrix_rows <- function(m) structure(list(rows = unname(as.matrix(m))), class = "json_matrix")

to_json <- function(x, indent = 0) {
  pad <- strrep(" ", indent + 1)
  if (is.null(x)) return("null")
  if (inherits(x, "json_array")) return(paste0("[", paste(json_atom(x$values), collapse = ", "), "]"))
  if (inherits(x, "json_matrix")) {
    rows <- apply(x$rows, 1, function(r) paste0("[", paste(json_atom(r), collapse = ", "), "]"))
    return(paste0("[\n", paste0(pad, rows, collapse = ",\n"), "\n", strrep(" ", indent), "]"))
  }
  if (is.list(x)) {
    if (is.null(names(x))) {
      body <- vapply(x, function(e) paste0(pad, to_json(e, indent + 1)), "")
      return(paste0("[\n", paste(body, collapse = ",\n"), "\n", strrep(" ", indent), "]"))
    }
    flat <- all(vapply(x, function(e) is.atomic(e) && length(e) == 1, TRUE))
    body <- vapply(names(x), function(n) paste0('"', n, '": ', to_json(x[[n]], indent + 1)), "")
    if (flat) return(paste0("{", paste(body, collapse = ", "), "}"))
    return(paste0("{\n", paste0(pad, body, collapse = ",\n"), "\n", strrep(" ", indent), "}"))
  }
  if (length(x) == 1) json_atom(unname(x)) else to_json(arr(x), indent)
}

versions <- function() {
  packages <- c("metafor", "metadat", "clubSandwich", "robumeta")
  c(list(R = paste(R.version$major, R.version$minor, sep = ".")),
    setNames(lapply(packages, function(p) as.character(packageVersion(p))), packages))
}

write_reference <- function(folder, name, about, record) {
  content <- c(list(about = about, versions = versions()), record)
  writeLines(to_json(content), file.path(folder, paste0(name, ".json")))
}
