"""One treated municipality: its path, the methods side by side, their tests and how well each one follows."""

from __future__ import annotations

from reports import method_words, numbers, words
from reports.charts import counterfactual, donors, forest
from reports.figure import Figure, Table
from reports.released import Released, Row


def methods(released: Released) -> list[Row]:
    """Return the answer and the other methods' effects, as far as they are known."""
    own = released.overall()
    rows = [row for row in released.primary("estimates") if row["aggregate"] == "estimator"]
    rows.sort(key=lambda row: row["at"] or 0)
    return [row for row in (own, *rows) if row is not None and numbers.is_known(row["value"])]


def figures(released: Released) -> list[Figure | None]:
    """Return the path, the gap, all municipalities' gaps, the methods side by side, and the weights."""
    name = _drawn(released)
    start, period = released.fact("first_start"), released.fact("period", "month")
    _, each = words.PERIODS[period]
    rows = sorted((r for r in released["paths"] if r["estimator"] == name), key=lambda r: r["period_on"])
    own = released.fact("treated_municipalities", "Kommunen")
    after = [r for r in rows if r["is_after"] and numbers.is_known(r["gap"])]
    inside = sum(r["low"] <= 0 <= r["high"] for r in after if numbers.is_known(r["low"]))
    mean = sum(r["gap"] for r in after) / len(after) if after else 0.0
    said = f"{own} lå {numbers.effect(mean, 'log')} fra sin sammenligning året efter start"
    if not after:
        said = f"{own} og sammenligningen"
    others = [r for r in released["placebo_paths"] if r["estimator"] == name]
    return [
        counterfactual.paths(rows, start, period, f"{said} ({words.estimator(name)})"),
        counterfactual.gap(rows, start, period, f"Efter start rummer {inside} af {len(after)} intervaller nul"),
        counterfactual.spaghetti(others, start, period, f"{own} blandt alle kommuner: afvigelsen {each} for {each}"),
        _methods(released),
        donors.donors(
            [r for r in released["weights"] if r["estimator"] == name],
            _weights_title(released, name),
            _weights(released),
        ),
    ]


def _drawn(released: Released) -> str:
    """Return the method whose path is drawn: the one that has every municipality's."""
    return next((r["estimator"] for r in (*released["placebo_paths"], *released["paths"])), "")


def _methods(released: Released) -> Figure | None:
    rows = methods(released)
    if len(rows) < 2:
        return None
    main = released.fact("estimator")
    lines = [
        forest.Line(
            "",
            words.estimator(row["at_label"] or main).capitalize(),
            row["value"],
            row["low"],
            row["high"],
            row["n"],
            row["status"],
            f"p = {numbers.p_value(row['p_value'])}; {method_words.INFERENCE.get(row['method'], row['method'])}",
            row is rows[0],
        )
        for row in rows
    ]
    clear = sum(not row["low"] <= 0 <= row["high"] for row in rows)
    title = f"{len(rows)} metoder side om side: {clear} har et interval uden nul"
    caption = (
        "Streg: 95 pct. interval. Rude: rapportens svar, valgt før udfaldet blev åbnet. "
        "P-værdi og test står i tabellen."
    )
    return forest.forest(lines, "metoder", rows[0]["unit"], title, caption, ("metode", "metoder"))


def _weights_title(released: Released, name: str) -> str:
    fit = next((r for r in released["fits"] if r["estimator"] == name), None)
    if fit is None or not numbers.is_known(fit["effective_donors"]):
        return "Kommunerne i sammenligningen"
    return f"Sammenligningen svarer til {numbers.number(fit['effective_donors'], 0)} lige tunge kommuner"


def _weights(released: Released) -> Table:
    """Return the heaviest municipalities of each method."""
    rows = sorted(released["weights"], key=lambda r: (_order(released, r["estimator"]), r["place"]))
    body = tuple(
        (words.estimator(r["estimator"]).capitalize(), r["municipality_name"], numbers.percent(r["weight"]))
        for r in rows
        if r["place"] <= donors.SHOWN
    )
    return Table(("Metode", "Kommune", "Vægt"), body, words=frozenset({0, 1}))


def _order(released: Released, name: str) -> int:
    names = [row["at_label"] for row in methods(released)]
    return names.index(name) if name in names else 0


def tables(released: Released) -> list[tuple[str, Table]]:
    """Return every test of every method: those offered with what they say, those not with the reason."""
    rows = sorted(released["tests"], key=lambda r: (_order(released, r["estimator"]), r["place"]))
    if not rows:
        return []
    body = tuple(
        (
            words.estimator(r["estimator"]).capitalize(),
            method_words.INFERENCE.get(r["test"], r["test"]),
            "rapportens test" if r["is_headline"] else "tilbudt" if r["is_offered"] else "ikke tilbudt",
            numbers.p_value(r["p_value"]),
            numbers.interval(r["low"], r["high"], r["unit"], r["status"]) if r["is_offered"] else "-",
            r["reason"] or "",
        )
        for r in rows
    )
    caption = (
        "Hvilke test der tilbydes, er afgjort af kommunernes størrelse og deres udsving før starten: en test må højst "
        "finde en effekt af ingenting i 6,5 pct. af tilfældene."
    )
    headers = ("Metode", "Test", "", "p", "95 pct. interval", "Hvorfor ikke")
    return [("Alle test, også dem, der ikke er tilbudt", Table(headers, body, caption, frozenset({0, 1, 2, 5})))]


def robustness_tables(released: Released) -> list[tuple[str, Table]]:
    """Return how each method's comparison follows before the start, and the range without one municipality."""
    rows = sorted(released["fits"], key=lambda r: _order(released, r["estimator"]))
    if not rows:
        return []
    body = tuple(
        (
            words.estimator(r["estimator"]).capitalize(),
            numbers.count(r["donors"]),
            numbers.bare(r["before"], "log", r["status"], sign=False),
            numbers.percent(r["followed"], r["status"]),
            _ratio(r),
            numbers.number(r["effective_donors"])
            if numbers.is_known(r["effective_donors"])
            else numbers.absent(r["status"]),
            _left_out(r),
            f"{r['slack']:.0e}".replace("e-", " · 10^−") if r["slack"] else "0",
        )
        for r in rows
    )
    headers = (
        *("Metode", "Kommuner", "Afvigelse før start (pct.)", "Fulgt før start", "Afvigelse efter/før"),
        *("Effektivt antal kommuner", "Uden én kommune ad gangen", "Vægtenes dualitetsgab"),
    )
    caption = (
        "Afvigelse: kvadratrod af den gennemsnitlige kvadrerede afvigelse. Placeringen er blandt alle kommuner, nummer "
        "1 er størst. »Uden én kommune« nævner den kommune, der flytter svaret mest. Dualitetsgabet siger, hvor langt "
        "vægtene højst er fra de bedst mulige."
    )
    return [("Hvor godt sammenligningen følger kommunen", Table(headers, body, caption, frozenset({0})))]


def _left_out(row: Row) -> str:
    span = numbers.interval(row["left_out_low"], row["left_out_high"], "log", row["status"])
    return span if row["status"] == "suppressed" else f"{span} (mest uden {row['left_out_name']})"


def _ratio(row: Row) -> str:
    if not numbers.is_known(row["ratio"]):
        return numbers.absent(row["status"] if row["status"] == "suppressed" else "not_estimable")
    place = f"nr. {row['ratio_rank']} af {row['ratio_of']}, p = {numbers.p_value(row['ratio_p'])}"
    return f"{numbers.number(row['ratio'])} ({place})"
