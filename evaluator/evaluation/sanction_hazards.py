"""From the sampled benefit spells to the rows of a duration model: what moves the exits, and the time since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from evaluator.estimators.mixed_hazards.frame import Columns, with_time_since
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import FEWEST, Setting, TimingOfEvents, timing_of_events
from evaluator.vocabulary import NotEstimable

if TYPE_CHECKING:
    import polars as pl

DESTINATIONS = ("job", "education", "other_benefit", "self_support")
SANCTION, AFTER, AWAY = "sanction", "after", "away"
PIECES: tuple[tuple[int, ...], ...] = ((0, 5, 13, 27), (0, 5, 13), (0, 5))
"""Weeks since the first sanction at which its effect may change; the next when too few left in a piece."""
STATES = ("is_no_show_recent", "is_no_show_before")
"""A missed meeting is a state of its own: it may be the sign of work that was found. It moves the exits alone, since a
sanction follows from it: of the hazard to a sanction it is a part."""
BASELINE = (13.0, 26.0, 52.0, 104.0)
REFERENCE_YEAR, REFERENCE_CASES, CASES = 2016, 70.0, 10.0
"""Columns are small numbers around zero: curvatures far apart make the search of the mass points slow."""
COMMON = 0.01
"""Share of rows under which a category is put together with the most frequent one."""
PRIOR_WEEKS = 520.0
"""Weeks at the country's rate that a municipality's own rate is drawn towards, so that a small one says little."""
INDEPENDENT = 1e-8


@dataclass(frozen=True, slots=True)
class Spells:
    """The tables of sql/design that a sanction evaluation reads."""

    spells: pl.DataFrame
    episodes: pl.DataFrame
    comparisons: pl.DataFrame
    municipalities: pl.DataFrame
    decisions: pl.DataFrame

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> Spells:
        tables = ("spells", "episodes", "comparisons", "municipalities", "decisions")
        return cls(*(connection.sql(f"select * from design.sanction_{name} order by all").pl() for name in tables))

    def without_reversed(self) -> Spells:
        """Return the spells followed up to a reversed decision only, where they are censored."""
        import polars as pl

        is_cut = pl.col("is_reversed").fill_null(False)
        short = pl.col("sanction_weeks").is_null() | ~is_cut | (pl.col("sanction_weeks") > pl.col("entry_weeks"))
        spells = self.spells.filter(short).with_columns(
            weeks=pl.when(is_cut).then("sanction_weeks").otherwise("weeks"),
            destination=pl.when(is_cut).then(None).otherwise("destination"),
            sanction_weeks=pl.when(is_cut).then(None).otherwise("sanction_weeks"),
        )
        cut = self.spells.filter(is_cut).select("person_id", "spell_number", cut_at="sanction_weeks")
        episodes = (
            self.episodes.join(cut, on=["person_id", "spell_number"], how="left")
            .filter(pl.col("cut_at").is_null() | (pl.col("start_weeks") < pl.col("cut_at")))
            .with_columns(transition=pl.when(pl.col("cut_at").is_null()).then("transition"))
            .drop("cut_at")
        )
        comparisons = self.comparisons.filter(~pl.col("is_reversed"))
        return Spells(spells, episodes, comparisons, self.municipalities, self.decisions)

    def from_notice(self) -> Spells:
        """Return the spells as if a sanction began with its varsel or partshoering, where one is known.

        Only those who were sanctioned in the end are known to have been heard: nobody records who left in between.
        """
        import polars as pl

        notice = self.spells.select("person_id", "spell_number", "notice_weeks")
        begins, begun = pl.col("stop_weeks") == pl.col("notice_weeks"), pl.col("since_notice_weeks").is_not_null()
        left = pl.when(pl.col("transition") != SANCTION).then("transition")
        episodes = self.episodes.join(notice, on=["person_id", "spell_number"], how="left").with_columns(
            transition=pl.when(begins).then(pl.lit(SANCTION)).otherwise(left),
            state=pl.when(begun).then(pl.lit("sanctioned")).when(begins).then(pl.lit("free")).otherwise("state"),
            since_sanction_weeks="since_notice_weeks",
        )
        spells = self.spells.with_columns(sanction_weeks="notice_weeks")
        return replace(self, spells=spells, episodes=episodes.drop("notice_weeks"))


@dataclass(frozen=True, slots=True)
class Piece:
    """Weeks after a sanction in which its effect is one number, for one kind of sanction or person."""

    column: str
    from_weeks: int
    to_weeks: int | None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Hazards:
    """The rows of a duration model, and which of its columns are what."""

    frame: pl.DataFrame
    covariates: tuple[str, ...]
    states: tuple[str, ...]
    pieces: tuple[Piece, ...]
    exits: tuple[str, ...]  # those with enough behind them; the others are censored
    baseline: tuple[float, ...]

    def behind(self, destination: str, piece: Piece) -> tuple[int, int]:
        """Return the exits of a piece and the persons who were followed in it."""
        import polars as pl

        inside = self.frame.filter((pl.col(piece.column) > 0) & (pl.col("state") != AWAY))
        return int((inside["transition"] == destination).sum()), inside["person_id"].n_unique()


def hazards(data: Spells, by: str | None = None) -> Hazards | NotEstimable:
    """Return the rows of spells seen from their start, with the finest pieces that enough exits are behind.

    With `by` (sanction_type or target_group) each of its groups has pieces of its own; weeks in a piece with too few
    are left out, so that they stand on neither side. A spell that began before the panel is left out here: who of them
    is left is chosen by what nobody recorded. So is one whose sanction comes in its first week, before anybody was at
    risk of it: who they are is chosen in the same way. So are weeks in supported work or off the benefit, when nobody
    is sanctioned, and exits out of them: the hazards are those of leaving the plain benefit. Refused where too few left
    for a job or for self-support after a sanction.
    """
    import polars as pl

    frame, covariates = with_covariates(_rows(data), data)
    for cuts in PIECES if by is None else PIECES[-1:]:
        timed, pieces = _with_pieces(frame, cuts, by)
        enough = {piece: _supported(timed, piece.column) for piece in pieces}
        kept = tuple(piece for piece in pieces if by is None or {"job", "self_support"} <= set(enough[piece]))
        exits = tuple(name for name in DESTINATIONS if kept and all(name in enough[piece] for piece in kept))
        thin = [pl.col(piece.column) > 0 for piece in pieces if piece not in kept]
        timed = timed.filter(~pl.any_horizontal(pl.lit(False), *thin))
        if {"job", "self_support"} <= set(exits):
            break
    else:
        return NotEstimable(
            f"Under {FEWEST} afgange til job eller til selvforsørgelse uden job efter en sanktion.",
            "Flere borgere, flere år eller en større stikprøve ([sanctions] persons).",
        )
    baseline = tuple(cut for cut in BASELINE if _exits_after(timed, exits, cut))
    states = [name for name in STATES if set(exits) <= set(_supported(timed, name))]
    free = timed.filter(timed["state"] == "free")
    columns = independent(free, (*told(free, covariates, (*exits, SANCTION)), *states), baseline)
    other = [name for name in DESTINATIONS if name not in exits]
    timed = timed.with_columns(transition=_censored(other))
    return Hazards(
        timed,
        tuple(name for name in covariates if name in columns),
        tuple(name for name in states if name in columns),
        kept,
        exits,
        baseline,
    )


def fit(found: Hazards, mass_points: int, seed: int) -> TimingOfEvents | NotEstimable:
    """Return the timing of events with up to that many mass points; the first is without heterogeneity."""
    risk_sets = {"free": (*found.exits, SANCTION), "sanctioned": found.exits, AWAY: ()}
    return timing_of_events(
        found.frame,
        exits=found.exits,
        treatments={SANCTION: (*(piece.column for piece in found.pieces), *found.states)},
        covariates=found.covariates,
        columns=Columns(state="state", start="start", spell="spell_number"),
        setting=Setting(
            baseline=found.baseline, risk_sets=risk_sets, search=Search(points=mass_points, starts=2, seed=seed)
        ),
    )


def _rows(data: Spells) -> pl.DataFrame:
    import polars as pl

    is_later = pl.col("sanction_weeks").is_null() | (pl.col("sanction_weeks") > 0)
    seen = data.spells.filter((pl.col("entry_weeks") == 0) & is_later).select(
        "person_id", "spell_number", "municipality_code", "sanction_type"
    )
    recent, at_risk = pl.col("is_no_show_recent"), ~pl.col("is_away") | (pl.col("state") == "free")
    return data.episodes.join(seen, on=["person_id", "spell_number"]).with_columns(
        pl.col("since_sanction_weeks").alias(AFTER),
        transition=pl.when(at_risk).then("transition"),
        state=pl.when(at_risk).then("state").otherwise(pl.lit(AWAY)),
        duration=(pl.col("stop_weeks") - pl.col("start_weeks")).cast(pl.Float64),
        start=pl.col("start_weeks").cast(pl.Float64),
        is_no_show_recent=recent.cast(pl.Float64),
        is_no_show_before=((pl.col("no_shows") > 0) & ~recent).cast(pl.Float64),
    )


def with_covariates(frame: pl.DataFrame, data: Spells) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows with what they are compared within: benefit and target group, age, sex, year, municipality."""
    import polars as pl

    frame = frame.with_columns(
        visited=pl.concat_str(pl.col("benefit"), pl.col("target_group").fill_null("uoplyst"), separator=":"),
        age=pl.col("age_group").fill_null("uoplyst"),
        gender=pl.col("sex").fill_null("uoplyst"),
        calendar_year=(pl.col("year") - REFERENCE_YEAR).cast(pl.Float64),
        tens_of_cases=((pl.col("caseload").cast(pl.Float64) - REFERENCE_CASES) / CASES).fill_null(0.0),
        is_caseload_unknown=pl.col("caseload").is_null().cast(pl.Float64),
    )
    names = ["calendar_year", "tens_of_cases", "is_caseload_unknown"]
    for column in ("visited", "age", "gender"):
        counts = frame.group_by(column).len().sort("len", column, descending=[True, False])
        common = counts.filter(pl.col("len") >= COMMON * len(frame))[column].to_list()
        made = [(pl.col(column) == value).cast(pl.Float64).alias(f"{column}={value}") for value in common[1:]]
        frame = frame.with_columns(made)
        names += [one.meta.output_name() for one in made]
    levels = _levels(data.municipalities)
    frame = frame.join(levels, on="municipality_code", how="left").with_columns(
        pl.col(levels.columns[1:]).fill_null(0.0)
    )
    return frame, [*names, *levels.columns[1:]]


def _levels(municipalities: pl.DataFrame) -> pl.DataFrame:
    """Return each municipality's log rates of exits and of sanctions, less their mean: in the place of a dummy each.

    Municipalities that sanction more may also have another labour market (Mundlak's device; Econometrica 46(1), 1978).
    """
    import polars as pl

    counts = {**{f"exits_{name}": f"level_{name}" for name in DESTINATIONS}, "sanctioned": "level_sanction"}
    weeks = pl.col("weeks")
    logs = [
        ((pl.col(count) + PRIOR_WEEKS * pl.col(count).sum() / weeks.sum()) / (weeks + PRIOR_WEEKS)).log().alias(name)
        for count, name in counts.items()
        if municipalities[count].sum()
    ]
    found = municipalities.select("municipality_code", *logs)
    return found.with_columns(pl.col(name) - pl.col(name).mean() for name in found.columns[1:])


def _with_pieces(frame: pl.DataFrame, cuts: Sequence[int], by: str | None) -> tuple[pl.DataFrame, list[Piece]]:
    timed = with_time_since(frame, AFTER, cuts, by)
    groups = [""] if by is None else sorted(frame[by].drop_nulls().unique().to_list())
    pieces = []
    for group in groups:
        for low, high in (*pairwise(cuts), (cuts[-1], None)):
            end = f"{low}_on" if high is None else f"{low}_{high - 1}"
            column = f"{AFTER}_{end}_{group}" if group else f"{AFTER}_{end}"
            pieces.append(Piece(column, low, None if high is None else high - 1, group))
    return timed, pieces


def _supported(frame: pl.DataFrame, column: str) -> tuple[str, ...]:
    """Return the destinations with enough exits where the column is not zero."""
    ended = frame.filter(frame[column] > 0)["transition"]
    return tuple(name for name in DESTINATIONS if (ended == name).sum() >= FEWEST)


def _exits_after(frame: pl.DataFrame, exits: Sequence[str], weeks: float) -> bool:
    """Return whether every hazard has enough transitions behind a jump of its baseline."""
    late = frame.filter(frame["start"] >= weeks)["transition"]
    return all((late == name).sum() >= FEWEST for name in (*exits, SANCTION))


def _censored(destinations: Sequence[str]) -> pl.Expr:
    import polars as pl

    return pl.when(pl.col("transition").is_in(destinations)).then(None).otherwise("transition")


def told(frame: pl.DataFrame, columns: Sequence[str], transitions: Sequence[str]) -> list[str]:
    """Return the columns without the indicators that too few of some transition are on either side of.

    Their category joins the reference: an effect that the data do not bound would cost the whole answer.
    """
    kept = []
    for name in columns:
        is_indicator = frame[name].is_in([0.0, 1.0]).all()
        counts = [
            int(((frame["transition"] == leaving) & (frame[name] == value)).sum())
            for leaving in transitions
            for value in (0.0, 1.0)
        ]
        if not is_indicator or min(counts) >= FEWEST:
            kept.append(name)
    return kept


def independent(frame: pl.DataFrame, columns: Sequence[str], baseline: Sequence[float]) -> list[str]:
    """Return the columns that vary, and repeat neither the baseline's pieces nor those before them."""
    pieces = [(frame["start"] >= cut).to_numpy().astype(np.float64) for cut in baseline]
    axes = np.linalg.qr(np.stack([np.ones(len(frame)), *pieces], axis=1))[0]
    kept: list[str] = []
    for name in columns:
        values = frame[name].to_numpy().astype(np.float64)
        rest = values - axes @ (axes.T @ values)
        size = float(rest @ rest)
        if size > INDEPENDENT * max(float(values @ values), 1.0):
            axes = np.column_stack([axes, rest / np.sqrt(size)])
            kept.append(name)
    return kept
