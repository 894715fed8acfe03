"""Attacks on a synthetic table, with real customers that the generator never saw as the control."""

from __future__ import annotations

from gretel_fin_synth.evaluation.attacks.membership import (
    MEMBERSHIP_TITLES,
    Membership,
    membership_attacks,
)

__all__ = ["MEMBERSHIP_TITLES", "Membership", "membership_attacks"]
