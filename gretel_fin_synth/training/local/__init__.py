"""The embedded ``tabular-lstm``: the only place that imports torch.

In the order of the work: ``encoding`` (table to sequences), ``amounts`` and ``calendar`` (money and days as
choices), ``plans`` (what is decided before the first transaction), ``history`` (what a customer has done so
far), ``examples`` (what the network is trained on), ``network``, ``fitting``, ``sampling``, ``calibration``
(choice among candidates), ``model`` (all of it put together) and ``engine`` (the backend).
"""

from __future__ import annotations

from gretel_fin_synth.training.local.engine import LocalBackend

__all__ = ["LocalBackend"]
