"""The ledger: how much of each delivery could be used, and whether it is as large as the one before."""

from expectations.rules import CRITICAL, WARNING, Rule, Suite, none_in, none_where, unique


def _rejects(share: float, severity: str) -> Rule:
    return none_where(
        f"rejected rows at most {share:.1%}",
        f"replaced_by is null and rejected > {share} * rows",
        notes="Rækker, der ikke kunne læses som aftalt, er udeladt. Se fil, linje og kolonne i raw.rejects.",
        severity=severity,
    )


def _shrunk(share: float, severity: str) -> Rule:
    return none_in(
        f"a new version holds at least {share:.0%} of what it replaces",
        f"""select 1 as offence from (select * from {{batch}}) as newer
            where newer.replaced_by is null and newer.rows < {share} * (
                select max(older.rows) from raw.deliveries as older where older.replaced_by = newer.delivery_id
            )""",
        "Den nye fil er meget mindre end den, den erstatter. Udtrækket er formentlig afbrudt undervejs.",
        severity,
    )


def _holds_rows() -> Rule:
    return none_in(
        "delivery holds rows",
        """select 1 as offence from (select * from {batch}) as bare where bare.rows = 0 and not exists (
            select 1 from raw.deliveries as later
            where later.extract = bare.extract and later.delivery_id > bare.delivery_id and later.rows > 0
        )""",
        "Filen har kun en overskrift, så intet er hentet fra den. Bed om udtrækket igen, hvis der skulle være rækker; "
        "'evaluator load' nævner filen.",
        WARNING,
    )


SUITE = Suite(
    "raw.deliveries",
    (
        unique("delivery_id", notes="Nøglen. To leverancer med samme nummer kan ikke skelnes."),
        _holds_rows(),
        _rejects(0.005, WARNING),
        _rejects(0.05, CRITICAL),
        _shrunk(0.9, WARNING),
        _shrunk(0.5, CRITICAL),
    ),
)
