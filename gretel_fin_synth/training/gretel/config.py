"""Configurations of training jobs: templates of ours, overrides merged in, all checked before it is sent.

The client reads templates from a repository that no longer has them, and changes the dictionaries that it is
given; here nothing is read from elsewhere and nothing that is given is changed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any

from gretel_fin_synth.errors import ParameterError

__all__ = ["FILTER_LEVELS", "TEMPLATES", "check_name", "training_config"]

AUTO = "auto"

#: By name: the sections of a model's configuration. ``tabular-lstm`` lets the service choose by the table.
TEMPLATES: dict[str, dict[str, Any]] = {
    "tabular-lstm": {
        "params": dict.fromkeys(("epochs", "vocab_size", "learning_rate", "batch_size", "rnn_units"), AUTO),
        "generate": {"num_records": 5000},
        "privacy_filters": {"outliers": AUTO, "similarity": AUTO},
    },
    "default": {
        "params": {
            "epochs": 100,
            "batch_size": 64,
            "vocab_size": 20000,
            "learning_rate": 0.01,
            "rnn_units": 256,
            "dropout_rate": 0.2,
            "early_stopping": True,
        },
        "generate": {"num_records": 5000},
        "privacy_filters": {"outliers": "medium", "similarity": "medium"},
    },
}
TEMPLATES["synthetics/tabular-lstm"] = TEMPLATES["tabular-lstm"]
TEMPLATES["synthetics/default"] = TEMPLATES["default"]

FILTER_LEVELS = (None, AUTO, "medium", "high")
NAME = re.compile(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{0,23}(?<!-)")

WHOLE, POSITIVE, SHARE, FLAG = "a whole number", "a number above 0", "a number from 0 to 1", "True or False"

#: What each parameter may be: the kind, the least value, and whether the service may choose it.
PARAMS: dict[str, tuple[str, float, bool]] = {
    "epochs": (WHOLE, 1, True),
    "vocab_size": (WHOLE, 0, True),
    "learning_rate": (POSITIVE, 0, True),
    "batch_size": (WHOLE, 1, True),
    "rnn_units": (WHOLE, 1, True),
    "dropout_rate": (SHARE, 0, True),
    "gen_temp": (POSITIVE, 0, True),
    "predict_batch_size": (WHOLE, 1, True),
    "field_cluster_size": (WHOLE, 1, True),
    "data_upsample_limit": (WHOLE, 0, True),
    "max_training_time_seconds": (WHOLE, 1, True),
    "early_stopping": (FLAG, 0, False),
    "reset_states": (FLAG, 0, False),
    "overwrite": (FLAG, 0, False),
    "validation_split": (FLAG, 0, False),
    "dp": (FLAG, 0, False),
    "dp_noise_multiplier": (POSITIVE, 0, False),
    "dp_l2_norm_clip": (POSITIVE, 0, False),
    "dp_microbatches": (WHOLE, 1, False),
}
GENERATE = {"num_records": (WHOLE, 1, False), "max_invalid": (WHOLE, 1, False)}
EVALUATE = {"skip": (FLAG, 0, False)}


def training_config(template: str, overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sections of a model's configuration.

    Parameters
    ----------
    template : str
        A name in ``TEMPLATES``.
    overrides : mapping of section to mapping
        ``params``, ``generate``, ``privacy_filters``, ``evaluate``; set what they name, leave the rest.

    Raises
    ------
    ParameterError
        If the template, a section or a setting is not known, or a value cannot work.
    """
    if not isinstance(template, str) or template not in TEMPLATES:
        raise ParameterError(_unknown("template", template, list(TEMPLATES)))
    config = copy.deepcopy(TEMPLATES[template])
    for section, settings in overrides.items():
        if not isinstance(settings, Mapping):
            msg = f"{section}={settings!r} cannot be used: it must be a dictionary of settings."
            raise ParameterError(f"{msg}\n\nHint: {section}={{...}}")
        if settings:
            config.setdefault(section, {}).update(copy.deepcopy(dict(settings)))
    _check("params", config["params"], PARAMS)
    _check("generate", config["generate"], GENERATE)
    _check("evaluate", {k: v for k, v in config.get("evaluate", {}).items() if k != "task"}, EVALUATE)
    _check_filters(config["privacy_filters"])
    return config


def check_name(name: Any) -> str:
    """Return the name of a job; refuse what the service does not take."""
    if isinstance(name, str) and NAME.fullmatch(name):
        return name
    msg = (
        f"name={name!r} cannot be used: it must be 1 to 24 letters, digits and dashes that begin with a "
        "letter, without two dashes in a row or one at the end."
    )
    raise ParameterError(f"{msg}\n\nHint: name='transactions'")


def _check(section: str, settings: Mapping[str, Any], known: Mapping[str, tuple[str, float, bool]]) -> None:
    for name, value in settings.items():
        if name not in known:
            raise ParameterError(_unknown(f"setting of {section}", name, list(known)))
        kind, least, automatic = known[name]
        if value is None or (automatic and value == AUTO) or _fits(value, kind, least):
            continue
        allowed = (
            f"{kind}{f' of at least {least:g}' if kind == WHOLE else ''}{', or auto' if automatic else ''}"
        )
        msg = f"{section}: {name}={value!r} cannot be used; it must be {allowed}."
        raise ParameterError(f"{msg}\n\nHint: leave it out, and the template's value is used")


def _fits(value: Any, kind: str, least: float) -> bool:
    if kind == FLAG or isinstance(value, bool):
        return kind == FLAG and isinstance(value, bool)
    if not isinstance(value, (int, float)) or not isfinite(value):
        return False
    if kind == WHOLE:
        return isinstance(value, int) and value >= least
    return value > 0 if kind == POSITIVE else 0 <= value <= 1


def _check_filters(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if name not in ("outliers", "similarity"):
            raise ParameterError(_unknown("setting of privacy_filters", name, ["outliers", "similarity"]))
        if value not in FILTER_LEVELS:
            msg = f"privacy_filters={{{name!r}: {value!r}}} cannot be used: the levels are {FILTER_LEVELS}."
            raise ParameterError(f"{msg}\n\nHint: privacy_filters={{{name!r}: 'medium'}}")


def _unknown(what: str, name: Any, known: list[str]) -> str:
    near = get_close_matches(str(name), known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, known))}"
    return f"unknown {what} {name!r}.\n\nHint: {hint}"
