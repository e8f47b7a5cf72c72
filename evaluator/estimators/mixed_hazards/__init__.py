"""Mixed proportional hazards: several transitions, correlated discrete heterogeneity, maximum likelihood."""
