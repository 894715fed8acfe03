"""The peers, and the environment that each of them needs: made once, under `benchmarks/out/`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OUT = Path(__file__).with_name("out")
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
STAMP = ".installed.json"


@dataclass(frozen=True)
class Environment:
    """What is installed in a virtual environment.

    Attributes
    ----------
    requirements : tuple of str
        Installed with what they need, under the constraints of this project (one release of torch).
    alone : tuple of str
        Installed afterwards without what they ask for, where that cannot be had beside the rest.
    unwanted : tuple of str
        Removed at the end.
    """

    name: str
    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peer:
    """A generator to compare with.

    Attributes
    ----------
    name, title : str
        Its name on the command line, and in the table.
    generator : str
        Which function of `_worker.py` runs it.
    environment : Environment
        Where it runs.
    options : dict
        Given to it; what is not named is its own default.
    """

    name: str
    title: str
    generator: str
    environment: Environment
    options: dict[str, Any] = field(default_factory=dict)


# Its torchvision does not load beside a CPU build of torch, and with it language models only would be lost.
MOSTLYAI = Environment("mostlyai", ("mostlyai-engine==2.7.3",), unwanted=("torchvision", "torchaudio"))
SDV = Environment("sdv", ("sdv==2.0.0", "pyarrow"))
# The last release that still holds the LSTM. What it asks for cannot be installed beside Python 3.11.
GRETEL = Environment(
    "gretel",
    (
        "tensorflow-cpu==2.12.1",
        "dp-accounting==0.4.4",
        "dm-tree",
        "decorator",
        "scikit-learn==1.3.2",
        "numpy<1.24",
        "pandas<2",
        "pyarrow<15",
        "sentencepiece==0.1.99",
        "joblib==1.4.2",
        "smart_open",
        "cloudpickle",
        "packaging",
        "tqdm",
    ),
    alone=("gretel-synthetics==0.22.12", "tensorflow-privacy==0.8.12", "tensorflow-probability==0.20.1"),
)

PEERS = {
    peer.name: peer
    for peer in (
        Peer("mostlyai", "mostlyai-engine 2.7.3, sequential", "mostlyai", MOSTLYAI, {"sequential": True}),
        Peer("mostlyai-flat", "mostlyai-engine 2.7.3, flat", "mostlyai", MOSTLYAI, {"sequential": False}),
        Peer("par", "SDV 2.0 PAR", "sdv", SDV, {"model": "PAR"}),
        Peer("tvae", "SDV 2.0 TVAE", "sdv", SDV, {"model": "TVAE"}),
        Peer("copula", "SDV 2.0 GaussianCopula", "sdv", SDV, {"model": "GaussianCopula"}),
        Peer("ctgan", "SDV 2.0 CTGAN", "sdv", SDV, {"model": "CTGAN"}),
        Peer("gretel-lstm", "gretel-synthetics 0.22.12 LSTM", "gretel", GRETEL),
    )
}


def interpreter(environment: Environment) -> Path:
    """Make an environment if it is not there, or not as it should be, and return its interpreter.

    Raises
    ------
    RuntimeError
        If pip cannot install it; the message is the end of pip's log.
    """
    folder = OUT / "venvs" / environment.name
    wanted = json.dumps([asdict(environment), CONSTRAINTS.read_text(encoding="utf-8")])
    stamp, python = folder / STAMP, folder / "bin" / "python"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Installing {environment.name} into {folder} (minutes)", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-q"]
    _install([*pip, "-c", str(CONSTRAINTS), *environment.requirements], folder)
    if environment.alone:
        _install([*pip, "--no-deps", *environment.alone], folder)
    if environment.unwanted:
        _install([*pip[:3], "uninstall", "-y", "-q", *environment.unwanted], folder)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _install(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (folder / "pip.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
        raise RuntimeError("\n".join(lines[-5:]))
