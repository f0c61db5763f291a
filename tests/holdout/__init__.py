"""`make holdout`: what our model of CDNOW expects, and that of lifetimes, beside what came; the table of the documents."""
