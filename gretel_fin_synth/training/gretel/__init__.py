"""The backend ``gretel``: trains and samples at Gretel's service, through ``gretel_client``.

In the order of the work: ``options`` and ``config`` (what a user may set, checked before anything is sent),
``fields`` and ``roundtrip`` (table to text and back), ``progress`` and ``waiting`` (jobs until their end),
``report`` (the service's own scores), ``runs`` (records that were drawn), ``backend`` and ``jobs`` (jobs that
are submitted here and collected elsewhere).
"""

from __future__ import annotations

from gretel_fin_synth.training.gretel.backend import GretelBackend
from gretel_fin_synth.training.gretel.jobs import GretelJob, GretelJobs
from gretel_fin_synth.training.gretel.report import GretelReport

__all__ = ["GretelBackend", "GretelJob", "GretelJobs", "GretelReport"]
