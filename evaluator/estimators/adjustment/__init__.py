"""Two-by-twos adjusted for covariates known before exposure."""
