"""Where people were at the horizon: shares with the intervention and without, and the difference."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, theme, words
from reports.figure import Figure, Table
from reports.released import Released, Row

WITH, WITHOUT, OTHERS = "med indsatsen", "uden indsatsen (beregnet)", "andre kommuner"

CAPTION = (
    "Andelene er af alle, der begyndte{}. Til højre: forskellen i pct.point med 95 pct. interval "
    "(tyk streg) og samlet bånd (tynd streg), hvor det er beregnet."
)


def arms(rows: list[Row]) -> dict[str, dict[str, Row]]:
    """Return released end states as {arm: {state: row}}."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["arm"], {})[row["state"]] = row
    return found


def end_states(released: Released, title: str) -> Figure | None:
    """Return paired shares and, beside them, differences with 95 per cent intervals; None without both arms."""
    import altair as alt

    by_arm = arms(released["end_states"])
    treated = by_arm.get("treated", {})
    other = "counterfactual" if "counterfactual" in by_arm else "comparison"
    compared = by_arm.get(other, {})
    present = [s for s in words.STATES if s in treated and s in compared]
    states = [s for s in present if not _is_hidden(released, s, treated[s], compared[s])]
    if not states:
        return None
    against = WITHOUT if other == "counterfactual" else OTHERS
    order = [words.outcome(s).label for s in states]
    shares = [_share(treated[s], s, WITH) for s in states] + [_share(compared[s], s, against) for s in states]
    gains = [_gain(released, s) for s in states]
    rows = alt.Scale(type="band", paddingInner=0.2, paddingOuter=0.1)
    y = alt.Y("state:N", sort=order, title=None, axis=theme.names_axis(order), scale=rows)
    hues = [theme.PALETTE["treated"], theme.PALETTE["counterfactual_soft"]]
    base = alt.Chart(figure.data([s for s in shares if s["share"] is not None])).encode(
        y=y, yOffset=alt.YOffset("arm:N", sort=[WITH, against], scale=alt.Scale(paddingInner=0.1))
    )
    bars = base.mark_bar().encode(
        x=alt.X("drawn:Q", title="Pct. af alle, der begyndte på ydelsen", axis=alt.Axis(tickCount=5)),
        color=alt.Color("arm:N", scale=alt.Scale(domain=[WITH, against], range=hues)),
    )
    text = base.mark_text(align="left", dx=5, fontSize=12).encode(x="drawn:Q", text="label:N")
    height = 46 * len(states)
    left = (bars + text).properties(width=300, height=height)
    right = _differences(gains, alt.Y("state:N", sort=order, title=None, axis=None, scale=rows)).properties(
        width=230, height=height
    )
    said = "; ".join(
        f"{words.outcome(s).label.lower()} {numbers.percent(treated[s]['share'], treated[s]['status'])} {WITH} og "
        f"{numbers.percent(compared[s]['share'], compared[s]['status'])} {against}"
        for s in states
    )
    chart = alt.hconcat(left, right, spacing=26).properties(description=f"Søjler for hver sluttilstand: {said}.")
    below = any(s["share"] is not None and s["share"] < 0 for s in shares)
    return figure.figure(
        chart,
        "sluttilstande",
        title=title,
        table=table(released, tuple(present)),
        notes=(words.BELOW_ZERO,) * below + words.hidden(len(present) - len(states), "tilstand", "tilstande"),
        caption=_when(released) + CAPTION.format(", og summerer til 100" if states == present else ""),
    )


def table(released: Released, states: tuple[str, ...]) -> Table:
    """Return the states as a table: shares, difference, interval and persons."""
    by_arm = arms(released["end_states"])
    rows = []
    for state in states:
        treated, estimate = by_arm["treated"].get(state, {}), released.overall(state) or {}
        other = by_arm.get("counterfactual", by_arm.get("comparison", {})).get(state, {})
        rows.append(
            (
                words.outcome(state).label,
                numbers.percent(treated.get("share"), treated.get("status")),
                numbers.percent(other.get("share"), other.get("status")),
                numbers.effect(estimate.get("value"), "share", estimate.get("status")),
                numbers.interval(estimate.get("low"), estimate.get("high"), "share", estimate.get("status")),
                numbers.count(treated.get("persons"), treated.get("status")),
            )
        )
    against = "Uden indsatsen" if "counterfactual" in by_arm else "Andre kommuner"
    headers = ("Tilstand", "Med indsatsen", against, "Forskel", "95 pct. interval", "Personer i alt")
    return Table(headers, tuple(rows))


def _is_hidden(released: Released, state: str, *shares: Row) -> bool:
    """Return whether a share of a state, or the difference between them, is suppressed."""
    return any(row.get("status") == "suppressed" for row in (*shares, released.overall(state) or {}))


def _when(released: Released) -> str:
    weeks = (released.overall("job") or {}).get("horizon_weeks")
    return f"{weeks} uger efter start på ydelsen. " if weeks else ""


def _share(row: Row, state: str, arm: str) -> dict[str, Any]:
    share = row["share"]
    known = numbers.is_known(share)
    return {
        "state": words.outcome(state).label,
        "arm": arm,
        "share": 100 * share if known else None,
        "drawn": max(100 * share, 0) if known else None,
        "label": numbers.number(100 * share) if known else numbers.absent(row["status"]),
    }


def _gain(released: Released, state: str) -> dict[str, Any]:
    estimate = released.overall(state) or {}
    fields = ("value", "low", "high", "band_low", "band_high")
    shown = {f: 100 * estimate[f] for f in fields if numbers.is_known(estimate.get(f))}
    return {"state": words.outcome(state).label, **shown}


def _differences(gains: list[dict[str, Any]], y: Any) -> Any:
    import altair as alt

    base = alt.Chart(figure.data(gains)).encode(y=y)
    axis = alt.Axis(tickCount=5, labelExpr=theme.SIGNED)
    zero = alt.Chart(figure.data([{"x": 0}])).mark_rule(color=theme.PALETTE["neutral"]).encode(x="x:Q")
    band = base.mark_rule(color=theme.PALETTE["treated"]).encode(x="band_low:Q", x2="band_high:Q")
    line = base.mark_rule(strokeWidth=4, color=theme.PALETTE["treated"]).encode(
        x=alt.X("low:Q", title="Forskel i pct.point", axis=axis), x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=80, color=theme.PALETTE["treated"], opacity=1).encode(x="value:Q")
    valid = "isValid(datum.value)"
    return (
        zero
        + band.transform_filter("isValid(datum.band_low)")
        + line.transform_filter(valid)
        + dot.transform_filter(valid)
    )
