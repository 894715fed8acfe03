"""The worlds that `make_transactions` knows by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gretel_fin_synth.standin._business import BUSINESS
from gretel_fin_synth.standin._cards import CARDS
from gretel_fin_synth.standin._passbook import PASSBOOK
from gretel_fin_synth.standin._retail import RETAIL

if TYPE_CHECKING:
    from gretel_fin_synth.standin._spec import World

WORLDS: dict[str, World] = {world.name: world for world in (RETAIL, CARDS, BUSINESS, PASSBOOK)}
