"""Attacks on a synthetic table, with real customers that the generator never saw as the control.

Three families: attacks on rows and attacks on customers (singling out, linking, inferring, as the guidance on
anonymisation names them, measured as by Giomi et al. 2023), and attacks on membership, which ask whether a
customer was in the training data.
"""

from __future__ import annotations

from gretel_fin_synth.evaluation.attacks._measure import TITLES, attacks
from gretel_fin_synth.evaluation.attacks._risk import Risk, Success
from gretel_fin_synth.evaluation.attacks.membership import Membership, membership_attacks

__all__ = ["TITLES", "Membership", "Risk", "Success", "attacks", "membership_attacks"]
