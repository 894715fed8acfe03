"""The walk through the days: planned events meet the balance, and the balance answers.

On each day money comes in, obligations are paid while the overdraft allows, and purchases are made, made
smaller or skipped as the balance sinks. A balance above the customer's ceiling is moved to savings or spent,
one below the floor is topped up; on the month's last day the bank books its interest and fees; a closing
account is paid out. All customers of a block take the day's step together, so a step is a handful of array
operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._prices import price
from gretel_fin_synth.standin._scene import CENTS, CHOSEN, OBLIGED, RECEIVE

if TYPE_CHECKING:
    from gretel_fin_synth.standin._scene import Bools, Catalogue, Events, Floats, Ints, Scene
    from gretel_fin_synth.standin._spec import Posting, Reaction


@dataclass(frozen=True)
class Booked:
    """Transactions that happened, one entry each: who, when, number in the catalogue, cents above 0."""

    customer: Ints
    day: Ints
    code: Ints
    cents: Ints


class Ledger:
    """Accounts of one block, from the first day to the last.

    Parameters
    ----------
    scene : Scene
        The block.
    catalogue : Catalogue
        Numbers of what can be booked.
    plan : Events
        What customers intend, in any order.

    Attributes
    ----------
    savings : array of float, shape (customers,)
        Cents that each customer has put aside elsewhere, so far.
    """

    def __init__(self, scene: Scene, catalogue: Catalogue, plan: Events) -> None:
        self._scene = scene
        self._catalogue = catalogue
        # By day, then by rank within the day, then by customer; refunds know their purchase by position.
        order = np.lexsort((plan.customer, plan.rank, plan.day))
        self._plan = plan.pick(order)
        position = np.empty(plan.size + 1, dtype=np.int64)
        position[order], position[-1] = np.arange(plan.size), -1
        self._parent = position[self._plan.parent]
        keys = self._plan.day * 3 + self._plan.rank
        self._bounds = np.searchsorted(keys, np.arange(scene.window.n_days * 3 + 1))
        self._paid = np.zeros(plan.size, dtype=np.int64)
        self._balance = scene.people.starts.copy()
        self.savings = self._first_savings()
        self._saved = self._savings_codes()[self._plan.code]
        self._mean = {"credit": np.zeros(len(self._balance)), "overdrawn": np.zeros(len(self._balance))}
        self._extra: list[Booked] = []
        self._reacts = [self._draw_reaction(at, rule) for at, rule in enumerate(scene.world.reactions)]
        self._plans = [self._draw_posting(at, rule) for at, rule in enumerate(scene.world.postings)]

    def run(self) -> Booked:
        """Walk through the window and return everything that was booked."""
        window, people = self._scene.window, self._scene.people
        bank_day = window.bank_day(np.arange(window.n_days), "following") == np.arange(window.n_days)
        closing = np.bincount(people.last[people.closes], minlength=window.n_days)
        for day in range(window.n_days):
            self._receive(day)
            self._oblige(day)
            self._choose(day)
            self._react(day, bank_day=bool(bank_day[day]) or not self._scene.world.bank_days)
            self._mean["credit"] += np.maximum(self._balance, 0)
            self._mean["overdrawn"] -= np.minimum(self._balance, 0)
            if window.month_ends[day]:
                self._post(day)
            if closing[day]:
                self._close(day)
        self._greet_silent()
        happened = self._paid > 0
        kept = self._plan.pick(happened)
        parts = [Booked(kept.customer, kept.day, kept.code, self._paid[happened]), *self._extra]
        return Booked(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in Booked.__dataclass_fields__)
        )

    # Planned events

    def _today(self, day: int, rank: int) -> slice:
        return slice(self._bounds[3 * day + rank], self._bounds[3 * day + rank + 1])

    def _settle(self, part: slice, cents: Ints, sign: int) -> None:
        self._paid[part] = cents
        moved = np.bincount(self._plan.customer[part], weights=cents, minlength=len(self._balance))
        self._balance += sign * moved.astype(np.int64)  # sums of cents are exact in float64

    def _receive(self, day: int) -> None:
        part = self._today(day, RECEIVE)
        if part.start == part.stop:
            return
        parent = self._parent[part]
        refunded = self._paid[parent]  # nothing for a purchase that was skipped
        self._settle(part, np.where(parent >= 0, refunded, self._plan.full[part]), +1)

    def _oblige(self, day: int) -> None:
        part = self._today(day, OBLIGED)
        if part.start == part.stop:
            return
        who = self._plan.customer[part]
        cents = self._covered(who, self._plan.full[part])
        self._settle(part, cents, -1)
        if self._saved[part].any():
            np.add.at(self.savings, who, np.where(self._saved[part], cents, 0))

    def _choose(self, day: int) -> None:
        part = self._today(day, CHOSEN)
        if part.start == part.stop:
            return
        who = self._plan.customer[part]
        balance = self._balance[who]
        mood = np.clip(balance / self._scene.people.comfort[who], 0.0, 1.0)
        cents = np.where(self._plan.restraint[part] > mood, self._plan.lean[part], self._plan.full[part])
        wanted = self._plan.urge[part] <= 0.15 + 0.85 * mood
        self._settle(part, self._covered(who, np.where(wanted, cents, 0)), -1)

    def _covered(self, who: Ints, cents: Ints) -> Ints:
        """Return the amounts of one day, sorted by customer, and 0 from where they exceed the overdraft."""
        spent = np.cumsum(cents)
        first = np.flatnonzero(np.diff(who, prepend=-1))
        before = spent[first] - cents[first]
        own = spent - np.repeat(before, np.diff(first, append=len(who)))
        return np.where(own <= self._balance[who] + self._scene.people.limit[who], cents, 0)

    # What the balance provokes

    def _savings_codes(self) -> Bools:
        """Tell which numbers of the catalogue are standing orders to the customer's savings."""
        names = {rule.label.category for rule in self._scene.world.reactions if rule.savings}
        labels = self._catalogue.labels
        return np.array([label.category in names and label.kind == "debit" for label in labels])

    def _first_savings(self) -> Floats:
        """Draw what customers have put aside elsewhere before the window opens, in cents."""
        depth = self._scene.dice.of("ledger: savings").random(self._scene.people.size)
        return self._scene.people.income * 6 * depth**2

    def _draw_reaction(self, at: int, rule: Reaction) -> tuple[Reaction, int, Floats, Floats]:
        size, days = self._scene.people.size, self._scene.window.n_days
        name = f"reaction {at} {rule.label.category}"
        luck = self._scene.dice.of(f"{name}: days").random((size, days), dtype=np.float32)
        user, boldness = self._scene.dice.of(f"{name}: users").random((size, 2)).T
        share = np.where(user < rule.users, rule.share * (0.6 + 0.7 * boldness), 0.0)
        # One row per day, so that a day's numbers lie together.
        return rule, self._catalogue.code("reaction", at), np.ascontiguousarray(luck.T), share

    def _react(self, day: int, *, bank_day: bool) -> None:
        people = self._scene.people
        for rule, code, luck, share in self._reacts:
            if rule.bank_days and not bank_day:
                continue
            above = rule.side == "above"
            beyond = self._balance > people.ceiling if above else self._balance < people.floor
            acts = beyond & (share > 0) & (luck[day] < rule.per_day) & self._is_open(day)
            who = np.flatnonzero(acts)
            if not len(who):
                continue
            raw = share[who] * np.abs(people.habitual[who] - self._balance[who])
            # The part of the day's luck below the threshold is uniform again: it decides how the amount ends.
            cents = price(raw, rule.style, luck[day][who] / rule.per_day)
            self._answer(rule, code, who, day, cents)

    def _answer(self, rule: Reaction, code: int, who: Ints, day: int, cents: Ints) -> None:
        possible = cents >= 0.005 * self._scene.people.income[who]
        if rule.side == "above":
            possible &= cents <= self._balance[who]
        elif rule.savings:
            possible &= cents <= self.savings[who]
        who, cents = who[possible], cents[possible]
        if rule.savings:
            self.savings[who] += cents if rule.side == "above" else -cents
        self._book(who, day, code, cents)

    def _book(self, who: Ints, day: int, code: int, cents: Ints) -> None:
        """Book at most one transaction per customer that was not planned."""
        if not len(who):
            return
        self._balance[who] += cents if self._catalogue.credit[code] else -cents
        self._extra.append(Booked(who, np.full(len(who), day), np.full(len(who), code), cents))

    # The bank's own bookings

    def _draw_posting(self, at: int, rule: Posting) -> tuple[Posting, int, Floats]:
        name = f"posting {at} {rule.label.category}"
        applies, which = self._scene.dice.of(name).random((self._scene.people.size, 2)).T
        plans = np.array(rule.plans)[(len(rule.plans) * which).astype(int)]
        return rule, self._catalogue.code("posting", at), np.where(applies < rule.users, plans, 0.0)

    def _post(self, day: int) -> None:
        days = int(self._scene.window.month_length[self._scene.window.month_index[day]])
        for rule, code, plan in self._plans:
            if rule.basis == "flat":
                cents = np.rint(plan * CENTS).astype(np.int64)
            else:
                cents = np.rint(plan / 12 * self._mean[rule.basis] / days).astype(np.int64)
            who = np.flatnonzero((cents > 0) & self._is_open(day))
            self._book(who, day, code, cents[who])
        for total in self._mean.values():
            total[:] = 0.0

    def _is_open(self, day: int) -> Bools:
        return (self._scene.people.active <= day) & (day <= self._scene.people.last)

    def _close(self, day: int) -> None:
        people = self._scene.people
        who = np.flatnonzero(people.closes & (people.last == day) & (self._balance > 0))
        self._book(who, day, self._catalogue.code("closing"), self._balance[who])

    def _greet_silent(self) -> None:
        """Give a first deposit to customers for whom a short window held nothing."""
        seen = np.zeros(len(self._balance), dtype=bool)
        seen[self._plan.customer[self._paid > 0]] = True
        for booked in self._extra:
            seen[booked.customer] = True
        code, people = self._catalogue.code("opening"), self._scene.people
        for who in np.flatnonzero(~seen):
            cents = price(np.array([0.1 * people.income[who]]), "notes", np.array([0.9]))
            self._book(np.array([who]), int(people.first[who]), code, cents)
