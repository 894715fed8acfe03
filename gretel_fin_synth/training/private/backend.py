"""The private backend: measure through the gateway, make a profile, draw from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth._money import from_minor
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training._words import kinds_in_words
from gretel_fin_synth.training.private.accounting import epsilon_of
from gretel_fin_synth.training.private.calibration import calibrate
from gretel_fin_synth.training.private.conditions import Conditions
from gretel_fin_synth.training.private.customers import OTHER, bounded
from gretel_fin_synth.training.private.draw import draw
from gretel_fin_synth.training.private.following import Following
from gretel_fin_synth.training.private.guarantee import DifferentialPrivacy, PrivacyStatement
from gretel_fin_synth.training.private.noise import SecureNoise
from gretel_fin_synth.training.private.plan import measure
from gretel_fin_synth.training.private.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

    from gretel_fin_synth.training.backend import SampleRequest, TrainingTable
    from gretel_fin_synth.training.private.noise import Noise
    from gretel_fin_synth.training.private.plan import Figures

__all__ = ["PrivateBackend"]

FILE = "private.json"
BLOCK = 500
FEW_ROWS = 0.01  # share of rows from which rows of categories that are not shown are worth a word


class PrivateBackend:
    """Learns with differential privacy per customer; see :class:`DifferentialPrivacy`.

    Parameters
    ----------
    privacy : DifferentialPrivacy
        What is promised.
    noise : Noise, optional
        Where noise comes from; anything but the default is for tests and gives no guarantee.
    """

    def __init__(self, privacy: DifferentialPrivacy, *, noise: Noise | None = None) -> None:
        self.privacy = privacy
        self.noise = noise
        self.warnings: list[str] = []
        self.statement: PrivacyStatement | None = None
        self._profile: Profile | None = None
        self._conditioned: tuple[str, Profile] | None = None
        self._columns: list[str] = []
        self._minor_units = 2
        self._block = BLOCK

    @property
    def rows_per_customer(self) -> float:
        """Rows of a customer, on average, as they are drawn."""
        return len(draw(self._fitted(), 200, np.random.default_rng(0)).who) / 200

    @property
    def learned(self) -> dict[str, str]:
        """What was learned, in words; all of it comes from noisy figures."""
        profile = self._fitted()
        first, last = (np.datetime64(day, "D") for day in (profile.first, profile.last))
        return {"Days": f"{first} to {last}", **kinds_in_words(profile.kinds)}

    def fit(self, table: TrainingTable, *, seed: int, progress: bool | None) -> None:
        """Measure, and make a profile of the noisy figures; the seed decides only what comes after them."""
        del progress
        self._profile = self.statement = self._conditioned = None
        noise = SecureNoise() if self.noise is None else self.noise
        customers = bounded(table, self.privacy.max_transactions)
        figures, gateway = measure(customers, self.privacy, table.extra_columns, noise, table.minor_units)
        del customers
        profile = Profile.of(figures)
        n_drawn = int(np.clip(figures.n_customers, 400, 800))
        follow = Following(figures.releases["successions"], asked="successions" in figures.asked)
        calibrate(profile, follow, n_drawn, np.random.default_rng(seed))
        delta = self.privacy.delta_for(figures.n_customers)
        chosen = np.array([charge.delta for charge in gateway.charges])
        self.statement = PrivacyStatement(
            epsilon=epsilon_of(gateway.spent, delta - chosen.sum()) - float(np.log1p(-chosen).sum()),
            delta=delta,
            parts=tuple(gateway.charges),
            n_customers=figures.n_customers,
            max_transactions=self.privacy.max_transactions,
            public=tuple(sorted(self.privacy.public)),
            secure_noise=noise.secure,
        )
        self.warnings = _warnings(figures, profile)
        self._columns, self._minor_units = list(table.frame.columns), table.minor_units
        self._profile = profile

    def sample(self, request: SampleRequest) -> pd.DataFrame:
        """Draw new customers in blocks; for the options see :class:`.conditions.Conditions`."""
        conditions = Conditions.of(request.options, self._fitted(), self._minor_units)
        profile = self._under(conditions)
        first, last = request.first_customer, request.first_customer + request.n_customers
        parts = []
        for number in range(first // self._block, (last - 1) // self._block + 1):
            begin = number * self._block
            inside = max(first, begin) - begin, min(last, begin + self._block) - begin
            parts.append(self._part(profile, conditions.starting, number, request.seed, *inside))
        return pd.concat(parts, ignore_index=True)[self._columns]

    def save(self, directory: Path) -> None:
        """Write the profile and the statement as JSON; neither tells more than the noisy figures do."""
        state = {
            "profile": self._fitted().to_dict(),
            "statement": None if self.statement is None else self.statement.to_dict(),
            "columns": self._columns,
            "minor_units": self._minor_units,
            "warnings": self.warnings,
        }
        (directory / FILE).write_text(json.dumps(state), encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Read what ``save`` wrote."""
        state = json.loads((directory / FILE).read_text(encoding="utf-8"))
        self._profile, self._conditioned = Profile.from_dict(state["profile"]), None
        self.statement = PrivacyStatement.from_dict(state["statement"])
        self._columns, self._minor_units = state["columns"], state["minor_units"]
        self.warnings = state["warnings"]

    def _fitted(self) -> Profile:
        if self._profile is None:
            msg = "The backend has not been fitted."
            raise ParameterError(msg)
        return self._profile

    def _under(self, conditions: Conditions) -> Profile:
        """Return the profile under conditions; the last one is kept, for customers drawn in parts."""
        if self._conditioned is None or self._conditioned[0] != conditions.all_key:
            self._conditioned = conditions.all_key, conditions.apply(self._fitted())
        return self._conditioned[1]

    def _part(
        self,
        profile: Profile,
        starting: tuple[int, int] | None,
        number: int,
        seed: int,
        begin: int,
        end: int,
    ) -> pd.DataFrame:
        """Return customers of one block; a block is always drawn whole."""
        rng = np.random.default_rng([seed, number])
        drawn = draw(profile, self._block, rng, starting)
        moment = drawn.day.astype("datetime64[D]").astype("datetime64[s]") + drawn.seconds
        kinds = np.array(profile.kinds, dtype=object)[drawn.kind]
        columns: dict[str, Any] = {
            "customer_id": drawn.who + number * self._block,
            "transaction_date": moment.astype("datetime64[ns]"),
            "transaction_amount": from_minor(drawn.cents, self._minor_units),
            "transaction_type": kinds[:, 0],
            "transaction_category": kinds[:, 1],
            "starting_amount": from_minor(drawn.start, self._minor_units)[drawn.who],
        }
        people = np.arange(self._block)
        for name, model in profile.extras.items():
            if model.constant:
                columns[name] = model.draw(np.zeros_like(people), np.zeros_like(people), rng)[drawn.who]
            else:
                columns[name] = model.draw(drawn.kind, drawn.day, rng)
        table = pd.DataFrame(columns)
        return table.loc[(drawn.who >= begin) & (drawn.who < end)]


def _warnings(figures: Figures, profile: Profile) -> list[str]:
    """Say what a user must know, out of released figures alone."""
    notes = []
    shares = zip(profile.kinds, profile.kind_rows.tolist(), strict=True)
    rest = sum(share for (_, name), share in shares if name == OTHER)
    if rest > FEW_ROWS:
        notes.append(
            f"about {rest:.0%} of the rows are of categories that too few customers have to be shown; they "
            f'come as {OTHER!r}. DifferentialPrivacy(..., public={{"categories": [...]}}) names categories '
            "that are no secret"
        )
    notes += [
        f"no value of {name!r} is had by enough customers to be shown; all are missing. "
        f'DifferentialPrivacy(..., public={{"values": {{{name!r}: [...]}}}}) names values that are no secret'
        for name, own in figures.extras.items()
        if own.form == "labels" and not own.labels
    ]
    return notes
