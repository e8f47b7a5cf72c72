"""Caseworkers dealt to entrants within cells, and what their strictness does: the parts of `strictness`."""
