"""Is a delivery good enough to run? What was delivered, lost, unknown, late or broken, as counts."""
