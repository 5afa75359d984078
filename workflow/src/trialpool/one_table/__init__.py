"""One table of trials in; an answer with a forest plot and a page, or the files of a review, out."""
