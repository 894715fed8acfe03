"""Training: the synthesizer, its backends and the split by customer."""

from __future__ import annotations

from gretel_fin_synth.training.backend import (
    Backend,
    SampleRequest,
    TrainingTable,
    available_backends,
    register_backend,
)
from gretel_fin_synth.training.private.guarantee import DifferentialPrivacy, PrivacyStatement
from gretel_fin_synth.training.split import split_customers
from gretel_fin_synth.training.synthesizer import TransactionSynthesizer

__all__ = [
    "Backend",
    "DifferentialPrivacy",
    "PrivacyStatement",
    "SampleRequest",
    "TrainingTable",
    "TransactionSynthesizer",
    "available_backends",
    "register_backend",
    "split_customers",
]
