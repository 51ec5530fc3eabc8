"""Installing from one place after the other: which failure leads on, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from envtool.errors import EnvtoolError, RefusedError, UnknownError
from envtool.flow.deliver import Way, deliver
from envtool.model.plan import Command
from envtool.model.source import Through
from envtool.words import Text

ERROR = Text("pip could not install the build", "pip 未能安装构建")
MISSING = "ERROR: HTTP error 404 while getting https://u:p@m.example/t.whl#sha256=aa"
BUSY = "HTTP status server error (503 Service Unavailable) for url (https://m.example/t.whl)"
HASH = """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.
    torch from https://m.example/torch.whl:
        Expected sha256 aa
"""


def failure(code: str, said: str = "") -> EnvtoolError:
    kind = UnknownError if code == "ET513" else RefusedError
    return kind(code, ERROR, original=said)


def way(name: str) -> Way:
    notes = (Text(f"from the mirror {name}", f"来自镜像 {name}"),)
    return Way(Through({}, notes, name), (Command((name,), Text.same("")),))


class Log:
    """What was run and said."""

    def __init__(self, failures: dict[str, EnvtoolError]) -> None:
        self.failures = failures
        self.ran: list[str] = []
        self.said: list[str] = []

    def run(self, commands: Sequence[Command]) -> None:
        name = commands[0].argv[0]
        self.ran.append(name)
        if name in self.failures:
            raise self.failures[name]

    def say(self, text: Text) -> None:
        self.said.append(text.en)


@pytest.mark.parametrize("code", ["ET510", "ET513"])
def test_a_place_that_does_not_deliver_is_followed_by_the_next(code: str) -> None:
    log = Log({"one": failure(code, "error: it broke")})

    found = deliver((way("one"), way("two"), way("three")), "torch-wheels", log.run, log.say)

    assert found == way("two")
    assert log.ran == ["one", "two"]
    assert log.said == ["the mirror one did not deliver: it broke", "from the mirror two"]


@pytest.mark.parametrize("code", ["ET511", "ET512", "ET514"])
def test_a_failure_of_this_machine_is_no_mirrors_fault(code: str) -> None:
    log = Log({"one": failure(code)})

    with pytest.raises(EnvtoolError) as raised:
        deliver((way("one"), way("two")), "torch-wheels", log.run, log.say)

    assert raised.value.code == code
    assert (log.ran, log.said) == (["one"], [])


def test_further_places_are_made_only_if_they_are_needed() -> None:
    def ways() -> Iterator[Way]:
        yield way("one")
        pytest.fail("nobody needs another place")

    assert deliver(ways(), "torch-wheels", Log({}).run, Log({}).say) == way("one")


def test_where_no_mirror_was_asked_for_a_failure_is_the_installers() -> None:
    log = Log({"one": failure("ET510")})
    plain = way("one")._replace(through=None)

    with pytest.raises(EnvtoolError) as raised:
        deliver((plain, way("two")), "torch-wheels", log.run, log.say)

    assert (raised.value.why, raised.value.hint) == ((), None)
    assert log.ran == ["one"]


def test_where_nobody_delivers_everybody_is_named() -> None:
    log = Log({"one": failure("ET510"), "official": failure("ET513", "cause: no route")})

    with pytest.raises(UnknownError) as raised:
        deliver((way("one"), way("official")), "python-index", log.run, log.say)

    assert [line.en for line in raised.value.why] == [
        "the mirror one did not deliver",
        "the official place did not deliver: no route",
    ]
    assert raised.value.hint is not None
    assert "envtool mirror test python-index" in raised.value.hint.zh


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (HASH, "other bytes came than its index lists"),
        ("  × Failed\n  ╰─▶ Hash mismatch for `torch`", "other bytes came than its index lists"),
        (
            f"{MISSING}\nERROR: Could not install requirement torch",
            "HTTP 404 for https://m.example/t.whl",
        ),
        (
            f"error: Failed to fetch: `https://m.example/t.whl`\n  Caused by: {BUSY}",
            "HTTP 503 for https://m.example/t.whl",
        ),
        ("error: one\n  Caused by: two: error: three\nbye", "two: error: three"),
        ("ERROR: No space\nnothing of use", "No space"),
        ("no such line", ""),
        ("", ""),
    ],
)
def test_the_cause_is_taken_from_what_the_installer_said(said: str, cause: str) -> None:
    log = Log({"one": failure("ET510", said)})

    deliver((way("one"), way("two")), "torch-wheels", log.run, log.say)

    assert log.said[0] == "the mirror one did not deliver" + (f": {cause}" if cause else "")
