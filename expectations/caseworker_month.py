"""Caseload of each caseworker by month: was the intervention delivered?"""

from expectations.rules import WARNING, Suite, between, first_of_month, known_municipality, none_where, not_null, unique

SUITE = Suite(
    "marts.caseworker_month",
    (
        unique("caseworker_id", "team", "municipality_code", "month", notes="Nøglen. En dublet fordobler sagstallet."),
        *not_null("caseworker_id", "month", notes="Rækken kan ikke placeres."),
        first_of_month("month"),
        between("caseload", 0, 500, notes="Over 500 sager pr. årsværk: årsværket er næsten nul.", severity=WARNING),
        none_where("cases are not negative", "cases < 0 or fte < 0", notes="Sager eller årsværk under nul."),
        known_municipality(),
    ),
)
