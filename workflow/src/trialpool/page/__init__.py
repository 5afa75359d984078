"""The page of a review, its README and its tables: views of the records in, files that people open out."""
