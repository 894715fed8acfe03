"""Where a key comes from and where it may go, what the client leaves behind, and the hook into it."""

from __future__ import annotations

import copy
import getpass
import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gretel_tools import files_in, leaks, needs_gretel, quick, table
from hypothesis import given
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth._gretel.client import LOGGERS
from gretel_fin_synth._gretel.connection import Connection
from gretel_fin_synth._gretel.keys import find_access
from gretel_fin_synth._secrets import Secret, hide, redact, redacted_logs, reveal

if TYPE_CHECKING:
    from gretel_fin_synth.testing import FakeGretel

pytestmark = pytest.mark.usefixtures("nobodys_key")

KEYS = {
    name: f"grtu{number}" + "a" * 40
    for number, name in enumerate(["argument", "environment", "file", "terminal"])
}


def write_config(**content: Any) -> Path:
    path = Path(os.environ["HOME"]) / ".gretel" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps(content))
    path.chmod(0o644)
    return path


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give a key in every place, and say how to take each away."""
    monkeypatch.setenv("GRETEL_API_KEY", KEYS["environment"])
    path = write_config(api_key=KEYS["file"], endpoint="https://file.example.com")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda _: KEYS["terminal"])
    return {"environment": lambda: monkeypatch.delenv("GRETEL_API_KEY"), "file": path.unlink}


def test_the_key_is_the_arguments_then_the_environments_then_the_files_then_the_terminals(
    sources: dict[str, Any],
) -> None:
    found = [find_access(Connection(api_key=Secret(KEYS["argument"])))]
    found.append(find_access(Connection()))
    sources["environment"]()
    found.append(find_access(Connection()))
    sources["file"]()
    found.append(find_access(Connection()))
    assert [access.key.reveal() for access in found] == list(KEYS.values())
    # The endpoint of the file goes with the key of the file only.
    default = "https://api.gretel.ai"
    assert [access.endpoint for access in found] == [default, default, "https://file.example.com", default]


def test_the_endpoint_is_the_arguments_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRETEL_ENDPOINT", "https://environment.example.com/")
    key = Secret(KEYS["argument"])
    assert find_access(Connection(key)).endpoint == "https://environment.example.com"
    assert find_access(Connection(key, endpoint="https://a.example.com")).endpoint == "https://a.example.com"


def test_without_a_key_and_a_terminal_the_error_says_where_one_was_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(fs.AuthenticationError, match=r"GRETEL_API_KEY.*config\.json"):
        find_access(Connection())


@pytest.mark.parametrize("content", ["{not json", "[]", '"text"'])
def test_a_broken_configuration_file_is_named_but_only_if_it_is_needed(
    content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config()
    path.write_text(content)
    with pytest.raises(fs.ParameterError, match=r"config\.json.*cannot be read as JSON"):
        find_access(Connection())
    monkeypatch.setenv("GRETEL_API_KEY", KEYS["environment"])
    assert find_access(Connection()).key.reveal() == KEYS["environment"]


@pytest.mark.parametrize("key", ["bogus", "grt", "grtu with space", "grtu\nX-Evil: 1", ""])
def test_what_cannot_be_a_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(fs.ParameterError, match="no Gretel key") as caught:
        Connection(api_key=Secret(key))
    assert key == "" or key == "grt" or key not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("http://api.gretel.ai", "in the clear"),
        ("http://127.0.0.1.evil.com", "in the clear"),
        ("http://10.0.0.1", "in the clear"),
        ("https://user:pass@api.gretel.ai", "without a query or a user"),
        ("https://api.gretel.ai?x=1", "without a query"),
        ("ftp://api.gretel.ai", "like https"),
        ("api.gretel.ai", "like https"),
        ("https://", "like https"),
        ("https://[::1", "like https"),
        ("https://host:port", "like https"),
        (5, "like https"),
    ],
)
def test_the_key_goes_over_https_or_to_this_machine_only(endpoint: Any, why: str) -> None:
    with pytest.raises(fs.ParameterError, match=why):
        Connection(endpoint=endpoint)
    for allowed in ("https://api.gretel.ai/", "http://127.0.0.1:8000", "http://localhost", "http://[::1]:80"):
        Connection(endpoint=allowed)


@needs_gretel
def test_a_foreign_endpoint_is_told_of(service: FakeGretel) -> None:
    from gretel_fin_synth._gretel.service import Service

    foreign = Service(Connection(Secret(KEYS["argument"]), endpoint="https://api.example.com"))
    assert "https://api.example.com" in foreign.warnings[0]
    for own in ("https://api.gretel.ai", "https://api.gretel.cloud", service.endpoint):
        assert Service(Connection(Secret(KEYS["argument"]), endpoint=own)).warnings == []
    evil = Service(Connection(Secret(KEYS["argument"]), endpoint="https://api.evilgretel.ai"))
    assert evil.warnings


@needs_gretel
def test_a_link_to_another_place_without_https_is_not_followed(service: FakeGretel) -> None:
    link = "http://example.com/x?sig=0123456789"
    body = json.dumps({"data": {"key": "gretel_x", "url": link}})
    service.fail("POST", "/artifacts$", status=200, body=body)
    with pytest.raises(fs.ServiceReplyError, match="neither https nor of this machine"):
        fs.TransactionSynthesizer("gretel", **quick(service)).fit(table(4), seed=1)


@needs_gretel
def test_every_request_of_the_client_goes_through_the_hook(service: FakeGretel) -> None:
    """Guard of the private name that we override: were it not called, nothing would be safe any more."""
    from gretel_fin_synth._gretel.transport import Transport

    seen: list[str] = []
    original = Transport.send

    def send(self: Any, sender: Any, method: str, url: str, **options: Any) -> Any:
        seen.append(f"{method} {url.removeprefix(service.endpoint).split('?')[0]}")
        assert options["headers"]["Authorization"] == service.key
        return original(self, sender, method, url, **options)

    Transport.send = send  # type: ignore[method-assign]
    try:
        fs.TransactionSynthesizer("gretel", **quick(service)).fit(table(8), seed=1).sample(2, seed=1)
        fs.navigate_transactions(n_rows=5, poll_interval=0, **connection(service))
    finally:
        Transport.send = original  # type: ignore[method-assign]
    asked = [str(request) for request in service.requests if not request.path.startswith("/_blob")]
    assert seen == asked
    assert len(seen) > 20


def connection(service: FakeGretel) -> dict[str, Any]:
    return {"endpoint": service.endpoint, "api_key": service.key, "backoff": 0.001}


@needs_gretel
def test_the_whole_flow_leaves_the_users_files_settings_and_loggers_alone(service: FakeGretel) -> None:
    """In a fresh process, with a configuration file that the client would change, and broken proxies."""
    path = write_config(api_key=KEYS["file"], endpoint="https://file.example.com")
    before = (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns)
    code = (
        "import logging, os, sys\n"
        "logging.getLogger('urllib3.connectionpool').setLevel(logging.INFO)\n"
        "environment = dict(os.environ)\n"
        "import gretel_fin_synth as fs\n"
        "real = fs.make_transactions(8, start='2024-01-01', end='2024-02-29', seed=1)\n"
        "options = dict(endpoint=sys.argv[1], poll_interval=0.001)\n"
        "fs.TransactionSynthesizer('gretel', **options).fit(real, seed=1).sample(2, seed=1)\n"
        "fs.navigate_transactions(n_rows=3, **options)\n"
        "assert dict(os.environ) == environment\n"
        "pool = logging.getLogger('urllib3.connectionpool')\n"
        "assert (pool.level, pool.filters) == (logging.INFO, [])\n"
        "from gretel_client.config import get_session_config\n"
        "assert get_session_config().endpoint == 'https://file.example.com'\n"
    )
    own = {
        "GRETEL_API_KEY": service.key,
        "HOME": os.environ["HOME"],
        "PATH": "",
        "PYTHONPATH": ":".join(sys.path),
    }
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, service.endpoint, service.key],
        env={**own, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")
    assert (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) == before
    assert list(files_in(Path(os.environ["HOME"]))) == [".gretel/config.json"]


@needs_gretel
def test_no_request_leaves_this_machine(service: FakeGretel, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses: list[Any] = []
    original = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        addresses.append(address)
        original(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    fs.TransactionSynthesizer("gretel", **quick(service)).fit(table(4), seed=1).sample(1, seed=1)
    assert addresses
    assert {address[0] for address in addresses} == {"127.0.0.1"}


@needs_gretel
def test_without_the_extra_the_error_names_it() -> None:
    code = (
        "import sys; sys.modules['gretel_client'] = None\n"
        "import gretel_fin_synth as fs\n"
        "for call in (lambda: fs.TransactionSynthesizer('gretel'), lambda: fs.navigate_transactions()):\n"
        "    try: call()\n"
        "    except fs.BackendNotInstalledError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.count("pip install 'gretel-fin-synth[gretel]'") == 2, done.stderr


@needs_gretel
def test_a_refusal_to_show_a_project_leads_to_one_attempt_to_make_it(service: FakeGretel) -> None:
    service.fail("GET", r"/projects/gretel-fin-synth", status=403, times=2)
    synthesizer = fs.TransactionSynthesizer("gretel", **quick(service)).fit(table(4), seed=1)
    assert len([r for r in service.requests if str(r) == "POST /projects"]) == 1
    assert synthesizer.report_ is not None


@needs_gretel
def test_a_deadline_holds_for_pauses_too(service: FakeGretel) -> None:
    from gretel_fin_synth._gretel.service import Service

    slow = Service(Connection(Secret(service.key), endpoint=service.endpoint, backoff=30, longest_wait=60))
    service.fail("GET", "/users/me", status=503, times=None)
    began = time.monotonic()
    with slow.transport.within(0.3), pytest.raises(fs.ServiceTimeoutError, match="time that was allowed"):
        _ = slow.project
    assert time.monotonic() - began < 10
    assert len(service.requests) == 1


@needs_gretel
def test_sessions_of_several_threads_do_not_disturb_each_other(service: FakeGretel) -> None:
    drawn: list[int] = []

    def work() -> None:
        fitted = fs.TransactionSynthesizer("gretel", **quick(service)).fit(table(6), seed=1)
        drawn.append(fitted.sample(2, seed=1)["customer_id"].nunique())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == [2] * 4
    assert all(not logging.getLogger(name).filters for name in LOGGERS)


@needs_gretel
def test_the_session_hides_the_key_and_cannot_be_pickled(service: FakeGretel) -> None:
    from gretel_fin_synth._gretel.service import Service

    session = Service(Connection(Secret(service.key), endpoint=service.endpoint)).session
    assert leaks(service, repr(session), vars(session), session.as_dict, session.masked) == []
    with pytest.raises(TypeError, match="holds a key"):
        pickle.dumps(session)


def test_a_secret_is_shown_nowhere_and_lost_in_a_pickle() -> None:
    secret = Secret("grtu-hidden")
    holder = {"api_key": secret}
    assert "hidden" not in f"{secret}{secret!r}{holder}{vars(type(secret))}"
    assert b"hidden" not in pickle.dumps(holder)
    assert pickle.loads(pickle.dumps(secret)).reveal() is None
    assert copy.deepcopy(secret).reveal() == copy.copy(secret).reveal() == "grtu-hidden"
    assert reveal(hide({"api_key": "grtu-hidden", "epochs": 3})) == {"api_key": "grtu-hidden", "epochs": 3}
    assert reveal(pickle.loads(pickle.dumps(hide({"db_password": "x", "epochs": 3})))) == {"epochs": 3}


@given(
    before=st.text(alphabet="xyz .:,;'()%", max_size=20),
    signature=st.text(alphabet="0123456789abcdef", min_size=16, max_size=64),
    key=st.text(alphabet="0123456789abcdef", min_size=16, max_size=64),
)
def test_no_signature_and_no_key_is_left_in_any_text(before: str, signature: str, key: str) -> None:
    forms = (
        f"{before} https://host/a/b.gz?X-Amz-Expires=9&X-Amz-Signature={signature} {before}",
        f'{before}"/a/b.gz?X-Amz-Signature={signature}&x=1 HTTP/1.1" 403',
        f"{before} X-Amz-Signature={signature}",
        f"{{'url': 'https://h/p?Signature={signature}'}}",
    )
    assert not any(signature in redact(form) for form in forms)
    assert f"grtu{key}" not in redact(f"{before} Authorization: grtu{key}")
    assert key not in redact(f"{before}{key}", [Secret(key)])


def test_logs_are_redacted_while_a_block_runs_and_not_before_or_after(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("gretel_client.rest.rest")
    caplog.set_level(logging.DEBUG, logger=logger.name)
    with redacted_logs([logger.name], [Secret("hush")]):
        logger.debug("body %s of %s", "hush", "https://host/x?sig=1")
    logger.debug("hush")
    assert [record.getMessage() for record in caplog.records] == ["body ... of https://host/x?...", "hush"]
    assert logger.filters == []
