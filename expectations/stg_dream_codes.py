"""The code list that gives each benefit code its meaning."""

from expectations.rules import Suite, not_null, one_of, row_count, unique

SUITE = Suite(
    "staging.stg_dream_codes",
    (
        row_count(100, None, notes="Kodelisten er tom eller halv. Alle ydelser ville blive ukendte."),
        unique("benefit_code", notes="Nøglen. En kode med to betydninger fordobler perioderne."),
        *not_null("benefit_code", "outcome_class", notes="En kode uden klasse har ingen sluttilstand."),
        one_of(
            "outcome_class",
            (
                "ydelse",
                "beskaeftigelse",
                "uddannelse",
                "stottet_job",
                "varig",
                "andet",
                "uddannelse_eller_job",
                "censurering",
                "selvforsorgelse",
            ),
            notes="En ukendt klasse falder ud af alle sluttilstande.",
        ),
    ),
)
