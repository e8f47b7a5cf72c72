"""How people leave benefit: cumulative incidence, hazards by exit, and return to benefit."""
