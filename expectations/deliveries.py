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


SUITE = Suite(
    "raw.deliveries",
    (
        unique("delivery_id", notes="Nøglen. To leverancer med samme nummer kan ikke skelnes."),
        none_where("delivery holds rows", "rows = 0", notes="Filen har kun en overskrift.", severity=WARNING),
        _rejects(0.005, WARNING),
        _rejects(0.05, CRITICAL),
        _shrunk(0.9, WARNING),
        _shrunk(0.5, CRITICAL),
    ),
)
