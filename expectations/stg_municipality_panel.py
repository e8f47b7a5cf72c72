"""Published figures by municipality and period."""

from expectations.rules import WARNING, Suite, known_municipality, none_where, not_null, one_of, unique

SUITE = Suite(
    "staging.stg_municipality_panel",
    (
        unique(
            "municipality_code",
            "period_on",
            "period_kind",
            "benefit",
            "target_group",
            notes="Nøglen. To tal for samme kommune og periode: ingen ved, hvilket der gælder.",
        ),
        *not_null("municipality_code", "period_on", "period_kind", notes="Tallet kan ikke placeres i tid eller sted."),
        one_of("period_kind", ("month", "quarter", "year"), notes="Kun måned, kvartal og år kan sammenlignes."),
        none_where("full_time is not negative", "full_time < 0", notes="Antal fuldtidspersoner under nul."),
        none_where(
            "zero or missing cell",
            "coalesce(full_time, 0) = 0",
            notes="Nul eller manglende: ukendt for logaritmer. Cellen tælles og indgår ikke.",
            severity=WARNING,
        ),
        none_where(
            "sanctions and unemployed are not negative",
            "sanctions < 0 or unemployed < 0 or population < 0",
            notes="Et antal under nul.",
        ),
        known_municipality(country_allowed=True),
    ),
)
