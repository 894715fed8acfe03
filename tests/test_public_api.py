"""Every public name imports, says what it is, and stands in the reference."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gretel_fin_synth as fs

ROOT = Path(__file__).parents[1]
NAMES = [name for name in fs.__all__ if name != "__version__"]
CONTRACT = """
    Transactions validate_transactions reconstruct_balance check_balance starting_amounts make_transactions
    TransactionSynthesizer register_backend available_backends Backend split_customers evaluate Evaluation
    SchemaViolation FinSynthError
""".split()


def reference() -> list[str]:
    text = (ROOT / "docs" / "reference" / "index.md").read_text()
    return re.findall(r"^   (\w+)$", text, flags=re.MULTILINE)


def test_no_name_of_the_contract_is_missing() -> None:
    assert set(CONTRACT) <= set(fs.__all__)
    assert len(fs.__all__) == len(set(fs.__all__))


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_imports_and_says_what_it_is(name: str) -> None:
    value = getattr(fs, name)
    assert value.__module__.startswith("gretel_fin_synth.")
    docstring = inspect.getdoc(value)
    assert docstring is not None
    assert docstring.splitlines()[0].endswith(".")


@pytest.mark.parametrize("name", [name for name in NAMES if inspect.isfunction(getattr(fs, name, None))])
def test_a_public_function_has_an_example_that_runs(name: str) -> None:
    assert ">>>" in inspect.getdoc(getattr(fs, name))


def test_type_checkers_and_python_see_the_same_names() -> None:
    module = ast.parse((ROOT / "gretel_fin_synth" / "__init__.py").read_text())
    block = next(node for node in module.body if isinstance(node, ast.If))
    seen = [node for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    homes = {(node.module, alias.name, alias.asname) for node in seen for alias in node.names}
    assert homes == {(f"gretel_fin_synth.{home}", name, name) for name, home in fs._HOME_OF.items()}


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gretel_fin_synth' has no attribute 'syntesize'"):
        fs.syntesize  # noqa: B018
    assert set(fs.__all__) <= set(dir(fs))


def test_a_star_import_gives_the_public_names() -> None:
    code = "from gretel_fin_synth import *; print(evaluate.__name__, make_transactions.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["evaluate", "make_transactions"]


def test_the_reference_has_the_public_names_in_their_order() -> None:
    assert reference() == NAMES
