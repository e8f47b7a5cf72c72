"""How far the data reach: one row that censors everything."""

from expectations.rules import Suite, none_where, row_count

SUITE = Suite(
    "marts.observation",
    (
        row_count(1, 1, notes="Der skal være netop én observationsperiode; ellers fordobles alle rækker."),
        none_where("data end after they begin", "data_to < data_from", notes="Data slutter, før de begynder."),
    ),
)
