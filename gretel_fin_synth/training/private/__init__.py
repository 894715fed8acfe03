"""Differential privacy per customer, without a network: measure with noise, then draw from the figures.

In the order of the work: ``guarantee`` (what is promised), ``customers`` (bounded histories), ``gateway``
(the only way to them) with ``noise`` and ``accounting``, ``queries`` and ``rhythms`` (what is asked),
``plan`` (with which share of the budget), ``estimates`` and ``profile`` (distributions out of noisy figures),
``lives``, ``schedule``, ``arrange``, ``sums``, ``courses`` and ``draw`` (customers out of distributions),
``calibration`` with ``following``, and ``backend``.
"""

from __future__ import annotations

from gretel_fin_synth.training.private.guarantee import DifferentialPrivacy, PrivacyStatement

__all__ = ["DifferentialPrivacy", "PrivacyStatement"]
