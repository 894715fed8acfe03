"""Extra columns: what a bank's export has beside the six, learned and generated.

Everything rests on whole distributions of at least k customers; nothing is kept of a value that fewer have.
In the order of the work: ``rows`` (the transactions), ``values`` and ``cells`` (what may stand in a
column), ``levels`` (what it depends on), ``habits`` (who keeps what he had), ``labels`` and ``numbers``
(both together), ``columns`` and ``constants`` (per transaction and per customer), ``models`` (all of a
table).
"""

from __future__ import annotations

from gretel_fin_synth.training.local.extras.models import ExtraModels
from gretel_fin_synth.training.local.extras.rows import Rows

__all__ = ["ExtraModels", "Rows"]
