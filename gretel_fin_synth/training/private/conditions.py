"""Conditions of sampling: another window, other shares, starting amounts. They change a copy of the profile.

Nothing is asked of the table again, so they cost no privacy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from gretel_fin_synth.training._conditions import Asked, report_shares, step_towards, wanted_shares
from gretel_fin_synth.training.private.draw import draw
from gretel_fin_synth.training.private.estimates import tilted

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.extras import ExtraModel
    from gretel_fin_synth.training.private.profile import Profile

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

__all__ = ["Conditions"]

ROUNDS = 6
TRIAL_ROWS = 12_000
LARGEST_STEP = 1.5
TEMPERED = (
    "n_held sorts many seldom amount rounding cents days weekdays hours spans pace flow start swing kind_rows"
).split()
BY_KIND = (
    "sign hold sorts many seldom amount rounding own_level days weekdays order opening onset ending "
    "kind_rows rate hold_shift amount_map"
).split()


class Conditions(Asked):
    """Checked options of sampling, and what they make of a profile."""

    @classmethod
    def of(cls, options: dict[str, Any], profile: Profile, minor_units: int) -> Conditions:
        """Check options against what was released.

        Raises
        ------
        ParameterError
            A name, column or value is not known, or a number cannot work.
        """
        window = np.datetime64(profile.first, "D"), np.datetime64(profile.last, "D")
        return cls.check(options, kinds=profile.kinds, minor_units=minor_units, window=window)

    @property
    def all_key(self) -> str:
        """Text that is equal for equal conditions."""
        return repr((self.key, self.temperature))

    def apply(self, profile: Profile) -> Profile:
        """Return the profile under these conditions; the given one stays as it is."""
        if self.start is not None or self.end is not None:
            profile = _moved(profile, self.start, self.end)
        if self.temperature != 1.0:
            profile = _tempered(profile, self.temperature)
        if self.shares:
            profile = _shifted(profile, self.shares)
        return profile


def _moved(profile: Profile, start: np.datetime64 | None, end: np.datetime64 | None) -> Profile:
    """Return the profile on another window: calendar months keep their pace, customers their part of it."""
    first = profile.first if start is None else int(start.astype("datetime64[D]").astype(np.int64))
    last = profile.last if end is None else int(end.astype("datetime64[D]").astype(np.int64))
    begin, stop = (int(np.datetime64(day, "D").astype("datetime64[M]").astype(int)) for day in (first, last))
    size, old = stop - begin + 1, np.arange(profile.n_months)
    of_year, rate = (profile.first_month + old) % 12, profile.month_rate
    pace = [rate[of_year == m].mean() if (of_year == m).any() else rate.mean() for m in range(12)]
    month_rate = np.array(pace)[(begin + np.arange(size)) % 12]
    place = _place(old, profile.n_months, size)
    late = np.where(old == profile.n_months - 1, size - 1, place)
    spans = np.zeros((size, size))
    np.add.at(spans, (np.minimum(place[:, None], late[None]), late[None] + 0 * place[:, None]), profile.spans)
    spans = np.triu(spans)
    return replace(
        profile,
        first=first,
        last=last,
        first_month=begin,
        n_months=size,
        month_rate=month_rate,
        months=month_rate / month_rate.sum(),
        seen=min(profile.seen, size / profile.n_months),
        spans=spans / spans.sum(),
    )


def _place(month: IntArray, old: int, new: int) -> IntArray:
    """Return months of a new window at the same part of it as these of the old one."""
    return np.minimum(np.rint(month * max(new - 1, 0) / max(old - 1, 1)).astype(np.int64), new - 1)


def _tempered(profile: Profile, temperature: float) -> Profile:
    """Return the profile with shares taken to a power, so that what is usual becomes more so below 1."""
    changed = {}
    for name in TEMPERED:
        shares = getattr(profile, name)
        sharp = np.where(shares > 0, np.maximum(shares, 1e-300) ** (1 / temperature), 0.0)
        axis = None if name in ("spans", "flow") or shares.ndim == 1 else 1
        total, wanted = sharp.sum(axis=axis, keepdims=True), shares.sum(axis=axis, keepdims=True)
        changed[name] = sharp * wanted / np.maximum(total, 1e-300)
    hold = np.clip(profile.hold, 1e-4, 1 - 1e-4)
    return replace(profile, hold=ndtr(ndtri(hold) / temperature), **changed)


def _shifted(profile: Profile, shares: dict[str, dict[str, float]]) -> Profile:
    """Return the profile with kinds moved until freely drawn customers show these shares."""
    asked, kinds = wanted_shares(profile.kinds, shares), profile.kinds
    gone = np.zeros(len(kinds), dtype=np.bool_)
    for covers, share in (part for wanted in asked for part in wanted):
        gone |= covers & (share <= 0)
    kept = np.flatnonzero(~gone)
    profile = _only(profile, kept)
    n = int(np.clip(TRIAL_ROWS / max(_mean_rows(profile), 1.0), 60, 800))
    for number in range(ROUNDS):
        step = step_towards(_found(profile, kept, len(kinds), n, number), asked)[kept]
        step = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        hold = ndtr(ndtri(np.clip(profile.hold, 1e-4, 1 - 1e-4)) + step)
        many = tilted(profile.many, np.exp(step))
        profile = replace(profile, hold=hold, rate=profile.rate * np.exp(step), many=many)
    report_shares(_found(profile, kept, len(kinds), n, ROUNDS), shares, asked)
    return profile


def _found(profile: Profile, kept: IntArray, size: int, n: int, number: int) -> FloatArray:
    """Return shares of all kinds among freshly drawn customers, none of those that are kept 0."""
    drawn = draw(profile, n, np.random.default_rng([0, number]))
    counts = np.zeros(size)
    counts[kept] = np.bincount(drawn.kind, minlength=len(kept)) + 0.5
    return counts / counts.sum()


def _mean_rows(profile: Profile) -> float:
    return len(draw(profile, 60, np.random.default_rng(0)).who) / 60


def _only(profile: Profile, kept: IntArray) -> Profile:
    """Return the profile of some of the kinds."""
    changed: dict[str, Any] = {name: getattr(profile, name)[kept] for name in BY_KIND}
    n_held = profile.n_held[: len(kept) + 1].copy()
    n_held[-1] += profile.n_held[len(kept) + 1 :].sum()
    usual = profile.usual[np.isin(profile.usual[:, 0], kept)]
    usual[:, 0] = np.searchsorted(kept, usual[:, 0])
    extras = {name: _extra_of(model, kept, len(profile.kinds)) for name, model in profile.extras.items()}
    return replace(
        profile,
        kinds=[profile.kinds[code] for code in kept],
        pull=profile.pull[:, kept][:, :, kept],
        held_together=profile.held_together[np.ix_(kept, kept)],
        n_held=n_held,
        usual=usual,
        extras=extras,
        **changed,
    )


def _extra_of(model: ExtraModel, kept: IntArray, size: int) -> ExtraModel:
    by_kind = not model.constant and len(model.shares) == size and size > 1
    return replace(model, shares=model.shares[kept]) if by_kind else model
