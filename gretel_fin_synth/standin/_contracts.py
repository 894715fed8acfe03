"""Standing orders, direct debits and benefits: they repeat on their day with their amount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._prices import price
from gretel_fin_synth.standin._scene import CENTS, OBLIGED, RECEIVE, join_events, make_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gretel_fin_synth.standin._calendar import Roll
    from gretel_fin_synth.standin._scene import Bools, Catalogue, Events, Floats, Ints, Scene
    from gretel_fin_synth.standin._spec import Contract


@dataclass(frozen=True)
class Terms:
    """One copy of one contract for every customer, arrays of shape (customers,).

    Attributes
    ----------
    contract : Contract
        What it is.
    name : str
        Purpose under which its dice are thrown.
    code : int
        Number in the catalogue.
    begins, ends : array of float
        Months, counted from the window's first, between which it runs; never where both are infinite.
    amount : array of float
        Cents per payment in the first year.
    day, phase : array of int
        Nominal day of the month, and in which month of its cycle it is due.
    """

    contract: Contract
    name: str
    code: int
    begins: Floats
    ends: Floats
    amount: Floats
    day: Ints
    phase: Ints

    @property
    def starts_owned(self) -> Bools:
        """Whether the contract runs when the window opens."""
        return (self.begins <= 0) & (self.ends > 0)

    @property
    def monthly_rows(self) -> Floats:
        """Expected payments per month."""
        return self.starts_owned / self.contract.every

    @property
    def monthly_cost(self) -> Floats:
        """Expected cents per month, below zero for benefits."""
        sign = -1.0 if self.contract.label.kind == "credit" else 1.0
        return sign * self.monthly_rows * self.amount


def draw_terms(scene: Scene, catalogue: Catalogue) -> list[Terms]:
    """Draw who has which contracts, and on which terms."""
    terms = []
    lots: dict[str, Floats] = {}
    for at, contract in enumerate(scene.world.contracts):
        eligible = scene.in_stages(contract.stages)
        for copy in range(contract.copies):
            name = f"contract {at}.{copy} {contract.label.category}"
            group = contract.group or name
            if group not in lots:
                lots[group] = scene.dice.of(f"owners: {group}").random(scene.people.size)
            owned = eligible & (lots[group] >= 0) & (lots[group] < contract.owned)
            # The rest of the group is drawn from what this contract leaves of the customer's lot.
            lots[group] = np.where(owned, -1.0, lots[group] - np.where(eligible, contract.owned, 0.0))
            may_begin = eligible & ~owned & (contract.group is None)
            code = catalogue.code("contract", at, copy)
            terms.append(_draw_copy(contract, name, code, owned, may_begin, scene))
    return terms


def _draw_copy(
    contract: Contract, name: str, code: int, owned: Bools, may_begin: Bools, scene: Scene
) -> Terms:
    life, wait, which, day, phase = scene.dice.of(f"{name}: terms").random((scene.people.size, 5)).T
    begins, ends = _spells(contract, owned, may_begin, life, wait)
    days = np.array(contract.days)
    return Terms(
        contract=contract,
        name=name,
        code=code,
        begins=begins,
        ends=ends,
        amount=_typical_amounts(contract, name, which, scene),
        day=days[(len(days) * day).astype(int)],
        phase=(contract.every * phase).astype(np.int64),
    )


def _spells(
    contract: Contract, owned: Bools, may_begin: Bools, life: Floats, wait: Floats
) -> tuple[Floats, Floats]:
    """Months at which contracts begin and end; as many begin as end."""
    never = np.full(len(owned), np.inf)
    if contract.churn == 0:
        return np.where(owned, -np.inf, never), never
    lasts = -np.log1p(-life) * 12 / contract.churn
    idle = -np.log1p(-wait) * 12 / contract.churn * (1 - contract.owned) / contract.owned
    begins = np.where(owned, -np.inf, np.where(may_begin, idle, np.inf))
    return begins, np.where(owned, lasts, begins + lasts)


def _typical_amounts(contract: Contract, name: str, which: Floats, scene: Scene) -> Floats:
    """Cents per payment in the first year: from the price list, or by income."""
    if contract.prices:
        listed = np.array(contract.prices, dtype=np.float64)
        chosen: Floats = CENTS * listed[(len(listed) * which).astype(int)]
        return chosen
    spread = np.exp(contract.spread * scene.dice.of(f"{name}: amount").standard_normal(len(which)))
    if contract.of_income:
        return contract.amount * scene.people.income * spread
    # Richer households have dearer contracts, in less than proportion.
    relative = scene.people.income / scene.world.mean_income / CENTS
    amounts: Floats = CENTS * contract.amount * np.sqrt(relative) * spread
    return amounts


def contract_events(scene: Scene, terms: Sequence[Terms]) -> Events:
    """Return every payment of every contract of the block."""
    return join_events([_copy_events(scene, term) for term in terms])


def _copy_events(scene: Scene, term: Terms) -> Events:
    window, people, contract = scene.window, scene.people, term.contract
    months = np.arange(window.n_months)
    due = (window.month_of_year + term.phase[:, None]) % contract.every == 0
    runs = (months >= term.begins[:, None]) & (months < term.ends[:, None])
    who, month = np.nonzero(due & runs)
    roll: Roll = "following" if scene.world.bank_days else "none"
    day = window.on_day(month, term.day[who], roll)
    seen = (day >= people.active[who]) & (day <= people.last[who])
    cents = _bills(scene, term)[who, month]
    rank = RECEIVE if contract.label.kind == "credit" else OBLIGED
    return make_events(who[seen], day[seen], term.code, rank, cents[seen])


def _bills(scene: Scene, term: Terms) -> Ints:
    """Cents due in each month, shape (customers, months)."""
    window, contract, size = scene.window, term.contract, scene.people.size
    ending, when = scene.dice.of(f"{term.name}: ending").random((size, 2)).T
    changes = scene.dice.of(f"{term.name}: reprice").random((size, window.n_months))
    month_of_change = (12 * when).astype(int)[:, None]
    dearer = (window.month_of_year == month_of_change) & (changes < contract.reprice)
    raw = term.amount[:, None] * (1 + contract.growth) ** np.cumsum(dearer, axis=1)
    if contract.season:
        raw = raw * (1 + contract.season * np.cos(2 * np.pi * window.month_of_year / 12))
    if contract.noise:
        noise = scene.dice.of(f"{term.name}: noise").standard_normal((size, window.n_months))
        raw = raw * np.exp(contract.noise * noise)
    choice = ending[:, None]
    if contract.noise or contract.season:  # a metered bill ends as it happens
        choice = scene.dice.of(f"{term.name}: endings").random((size, window.n_months))
    return price(raw, contract.style, choice)
