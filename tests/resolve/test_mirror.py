from __future__ import annotations

from envtool.index.probe import Candidate, Probe
from envtool.model.network import Fault
from envtool.resolve.mirror import Download, Measured, rank

DAY_S = 86400.0


def probe(id_: str, *faults: Fault, metadata_s: float = 1.0, changed: float = 0.0) -> Probe:
    url = f"https://{id_}.example"
    one = Candidate(id_, "conda-channels", url, "channel-folders", frozenset())
    times = (("conda-forge", changed),) if changed else ()
    return Probe(one, faults, metadata_s, times)


def measured(*rates: float) -> Measured:
    return Measured(tuple(Download(int(rate), 1.0) for rate in rates))


def test_the_median_of_the_tries_decides() -> None:
    probes = [probe("lucky"), probe("steady")]
    found = rank(
        probes,
        {
            "https://lucky.example": measured(1e6, 1e6, 90e6),
            "https://steady.example": measured(5e6, 5e6, 1e3),
        },
    )

    assert [one.candidate.id for one in found] == ["steady", "lucky"]
    assert found[0].bytes_per_s == 5e6


def test_time_to_the_index_counts_with_the_rate() -> None:
    probes = [probe("late", metadata_s=60.0), probe("near", metadata_s=1.0)]
    rates = {"https://late.example": measured(10e6), "https://near.example": measured(8e6)}

    assert [one.candidate.id for one in rank(probes, rates)] == ["near", "late"]


def test_an_error_page_is_never_ranked_however_fast() -> None:
    broken = probe("broken", Fault("status", "u", status=404), metadata_s=0.001)
    found = rank([broken, probe("good", metadata_s=9.0)], {"https://broken.example": measured(9e9)})

    assert [(one.candidate.id, one.place) for one in found] == [("good", 1), ("broken", 0)]
    assert found[1].bytes_per_s == 0


def test_staleness_is_only_told_where_somebody_is_fresher() -> None:
    old = 1_000 * DAY_S
    alone = rank([probe("a", changed=old)], {})
    beside = rank([probe("a", changed=old), probe("b", changed=old + 5 * DAY_S)], {})
    left = rank([probe("a", changed=old), probe("b", changed=old + 90 * DAY_S)], {})

    assert alone[0].behind_s is None
    assert [(one.candidate.id, one.is_stale, one.state) for one in beside] == [
        ("b", False, "usable"),
        ("a", True, "usable"),
    ]
    assert left[1].state == "unfit"


def test_what_may_pass_is_unknown_and_what_was_answered_is_unfit() -> None:
    states = {
        one.candidate.id: one.state
        for one in rank(
            [
                probe("dns", Fault("dns", "u")),
                probe("busy", Fault("status", "u", status=429)),
                probe("both", Fault("silent", "u"), Fault("status", "u", status=404)),
            ],
            {},
        )
    }

    assert states == {"dns": "unknown", "busy": "unknown", "both": "unfit"}
