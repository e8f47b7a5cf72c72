"""One treated municipality: the short answer, the claim put to the test, its path and the methods side by side."""

from __future__ import annotations

import math
from typing import Any

from reports import answer, method_words, numbers, words
from reports.charts import counterfactual, donors, forest
from reports.figure import Figure, Table
from reports.released import Released, Row

NONE = {"colour": "none", "shape": words.LIGHTS["none"][0]}


def in_short(released: Released) -> list[tuple[str, str]]:
    """Return what a director asks, each with its answer; nothing unless methods stand beside one another."""
    own, row = released.overall(), next(iter(released.primary("before_after")), None)
    if not released["fits"] or own is None or row is None or answer.stance(released) in ("hidden", "not_delivered"):
        return []
    if not all(numbers.is_known(row[key]) for key in ("before", "after", "counterfactual_after")):
        return []
    return [
        ("Virkede det?", _worked(released, own)),
        ("Hvor sikkert er det?", _certain(released, own)),
        ("Hvad ville være sket alligevel?", _anyway(released, own, row)),
        ("Hvad kan man sige?", _sayable(released, own)),
    ]


def _worked(released: Released, own: Row) -> str:
    if answer.stance(released) == "effect":
        direction = "højere" if own["value"] > 0 else "lavere"
        more = " Det er det modsatte af hensigten." if own["value"] > 0 else ""
        return f"Antallet af modtagere blev {direction}, end det ellers ville være blevet.{more}"
    if answer.stance(released) == "no_relevant_effect":
        return "Nej, ikke så det betyder noget: en ændring af betydning kan udelukkes."
    return "Det kan ikke afgøres ud fra denne serie. Det er ikke det samme som, at det ikke virkede."


def _certain(released: Released, own: Row) -> str:
    rows = methods(released)
    clear = sum(not row["low"] <= 0 <= row["high"] for row in rows)
    values = [row["value"] for row in rows]
    low, high = (numbers.effect(end, "log") for end in (min(values), max(values)))
    counted = "ingen" if clear == 0 else "alle" if clear == len(rows) else str(clear)
    text = f"{len(rows)} metoder giver mellem {low} og {high}; {counted} af dem kan skelnes fra tilfældige udsving."
    effects = [r for r in released["placebos"] if r["outcome"] == released.outcome and numbers.is_known(r["effect"])]
    others = [r["effect"] for r in effects if not r["is_treated"]]
    if others and len(effects) == len(others) + 1:
        down = own["value"] <= 0
        same = sum(other <= own["value"] if down else other >= own["value"] for other in others)
        way = "faldt lige så meget eller mere" if down else "steg lige så meget eller mere"
        text += f" {same} af {len(others)} andre kommuner {way}, målt på samme måde."
    return text


def _anyway(released: Released, own: Row, row: Row) -> str:
    before, after = (numbers.number(row[key], 0) for key in ("before", "after"))
    others = sorted(row["after"] / math.exp(each["value"]) for each in methods(released))
    spread = f"{numbers.number(others[0], 0)} til {numbers.number(others[-1], 0)}"
    return (
        f"Antallet gik fra {before} til {after}. Uden indsatsen ville det efter beregningen være blevet "
        f"{numbers.number(row['counterfactual_after'], 0)}; metoderne spænder fra {spread}."
    )


def _sayable(released: Released, own: Row) -> str:
    moved = ""
    if any(r["name"] == "revisitation" and r["verdict"] == "not_run" for r in released["diagnostics"]):
        moved = " Om borgere blev flyttet mellem målgrupper, kan serien ikke vise."
    if answer.stance(released) != "undecided" or not all(numbers.is_known(own[end]) for end in ("low", "high")):
        return f"At antallet ændrede sig usædvanligt meget; ikke hvorfor, og ikke hvor borgerne gik hen.{moved}"
    half = numbers.number(-100 * math.expm1(-(own["high"] - own["low"]) / 2), 0)
    return (
        f"Fald på under omkring {half} pct. kan i denne serie ikke skelnes fra de udsving, andre kommuner har af sig "
        f"selv. En virkning som i tidligere undersøgelser (1 til 10 pct. færre) kan hverken ses eller udelukkes.{moved}"
    )


def methods(released: Released) -> list[Row]:
    """Return the answer and the other methods' effects, as far as they are known."""
    own = released.overall()
    rows = [row for row in released.primary("estimates") if row["aggregate"] == "estimator"]
    rows.sort(key=lambda row: row["at"] or 0)
    return [row for row in (own, *rows) if row is not None and numbers.is_known(row["value"])]


def claim(released: Released) -> dict[str, Any] | None:
    """Return the claim as arithmetic, held up to what would have happened anyway and to earlier studies."""
    row = next(iter(released["claim"]), None)
    if row is None:
        return None
    lines = [{**NONE, "label": "Regnestykket:", "text": _arithmetic(row)}]
    if confronted := _confronted(released, row):
        lines.append({**NONE, "label": "Uden indsatsen:", "text": confronted})
    lines.append(_plausible(row))
    source = f"Kilde til påstanden: {row['source']}." if row["source"] else ""
    return {"lines": lines, "source": " ".join(part for part in (source, row["note"] or "") if part)}


def _arithmetic(row: Row) -> str:
    people = "" if row["persons"] is None else numbers.number(abs(row["persons"]), 0)
    before, after = ("" if row[key] is None else f"{row[key]:g}".replace(".", ",") for key in ("before", "after"))
    if row["kind"] == "count":
        way = "færre" if row["persons"] < 0 else "flere"
        text = f"{before} til {after} er {people} {way} ({numbers.number(100 * row['change'], 0, sign=True)} pct.)."
    elif row["kind"] == "share":
        text = f"{before} pct. til {after} pct. er {numbers.number(100 * row['change'], 0, sign=True)} pct.point."
    else:
        sum_of = f"{row['parts']} er {people}" if "+" in row["parts"] else people
        text = f"{sum_of} {'flere' if row['kind'] == 'more' else 'færre'}."
    if row["dkk_per_person"] is None:
        return text
    kroner, each = numbers.number(row["amount_dkk"] / 1e6), numbers.number(row["dkk_per_person"], 0)
    spent = "brugt" if row["amount"] == "spent" else "sparet"
    return f"{text} {kroner} mio. kr. {spent} er {each} kr. pr. person."


def _confronted(released: Released, row: Row) -> str:
    found, own = next(iter(released.primary("before_after")), None), released.overall()
    needed = () if found is None else (found["before"], found["after"], found["counterfactual_after"])
    if found is None or own is None or not needed or not all(numbers.is_known(value) for value in needed):
        return ""
    change = found["counterfactual_after"] / found["before"] - 1
    drift = numbers.number(100 * change, sign=True)
    if row["kind"] == "count":
        expected = row["before"] * (1 + change)
        left = numbers.number(abs(row["after"] - expected), 0)
        way = "færre" if row["after"] < expected else "flere"
        return (
            f"I serien ville antallet have ændret sig {drift} pct. af sig selv. Gik påstandens {row['before']:g} "
            f"borgere samme vej, ville der være {numbers.number(expected, 0)}, og indsatsens andel er {left} {way}, "
            "med samme store usikkerhed som svaret."
        )
    persons = found["after"] - found["counterfactual_after"]
    ends = [
        found["after"] - found["after"] / math.exp(own[end]) for end in ("low", "high") if numbers.is_known(own[end])
    ]
    span = (
        f" (fra {numbers.number(ends[0], 0, sign=True)} til {numbers.number(ends[1], 0, sign=True)})"
        if len(ends) == 2
        else ""
    )
    return (
        "Påstanden siger ikke, hvor mange der ellers ville være kommet i job eller ud af ydelsen. I serien er bedste "
        f"bud en forskel på {numbers.number(persons, 0, sign=True)} modtagere i gennemsnit det første år{span}."
    )


def _plausible(row: Row) -> dict[str, str]:
    """Return the claim beside what earlier studies found: the second light, for the claim."""
    if row["verdict"] is None:
        text = "Kan ikke vurderes: påstanden siger ikke, hvor mange borgere den er ud af."
        return {**NONE, "label": "Tidligere undersøgelser:", "text": text}
    unit = "pct." if row["kind"] == "count" else "pct.point"
    green, amber = (
        f"fra {numbers.number(100 * row[f'{band}_low'], 0)} til {numbers.number(100 * row[f'{band}_high'], 0)} {unit}"
        for band in ("green", "amber")
    )
    said = words.PLAUSIBILITY[row["verdict"]].lower()
    text = f"Påstanden ligger {said}: typisk {green}, yderst {amber.removesuffix(chr(46))}."
    edge = row["amber_high"] if row["change"] > 0 else row["amber_low"]
    if row["verdict"] == "red" and edge and abs(row["change"] / edge) >= 1.5:
        text += f" Den er {numbers.number(abs(row['change'] / edge), 0)} gange så stor som yderkanten."
    return {
        "colour": row["verdict"],
        "shape": words.LIGHTS[row["verdict"]][0],
        "label": "Tidligere undersøgelser:",
        "text": text,
    }


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
