"""How long the whole Gretel flow takes through the fake service: `python benchmarks/gretel_fake.py`.

It says what this library and the client cost, and nothing of the live service. Polling is not waited for:
each question moves the job on.
"""

from __future__ import annotations

import time

import gretel_fin_synth as fs
from gretel_fin_synth._gretel.client import require_client
from gretel_fin_synth.testing import FakeGretel

ROWS = 1_000


def main() -> None:
    real = fs.make_transactions(73, start="2024-01-01", end="2024-06-30", seed=1).head(ROWS)
    began = time.perf_counter()
    require_client()
    loaded = time.perf_counter()
    with FakeGretel() as service:
        options = {"endpoint": service.endpoint, "api_key": service.key, "poll_interval": 0.01}
        synthesizer = fs.TransactionSynthesizer("gretel", **options).fit(real, seed=1)
        fitted = time.perf_counter()
        synthetic = synthesizer.sample(n_rows=ROWS, seed=1)
        sampled = time.perf_counter()
        score = synthesizer.report_.sqs
        requests = len(service.requests)
        where = {name: options[name] for name in ("endpoint", "api_key")}
        table = fs.navigate_transactions(n_rows=ROWS, poll_interval=0.01, **where)
        navigated = time.perf_counter()
    print(f"{len(real):,} rows trained, {len(synthetic):,} sampled, report: SQS {score}, {requests} requests")
    for what, seconds in {
        "import gretel_client": loaded - began,
        "train and report": fitted - loaded,
        "sample": sampled - fitted,
        "train, report and sample together": sampled - loaded,
        f"navigate_transactions, {len(table):,} rows": navigated - sampled,
    }.items():
        print(f"{what:36}{seconds:6.2f} s")


if __name__ == "__main__":
    main()
