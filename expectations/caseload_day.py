"""Citizens and caseload of each team, day by day."""

from expectations.rules import WARNING, Suite, between, none_where, not_null, unique

SUITE = Suite(
    "marts.caseload_day",
    (
        unique("municipality_code", "team", "day", notes="Nøglen. En dag talt to gange vejer dobbelt i måneden."),
        *not_null("day", "citizens", "caseworkers", notes="Dagen kan ikke tælles."),
        none_where("counts are not negative", "citizens < 0 or caseworkers < 0", notes="Et antal under nul."),
        between("caseload", 0, 500, notes="Over 500 borgere pr. årsværk: årsværket er næsten nul.", severity=WARNING),
    ),
)
