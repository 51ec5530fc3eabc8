"""doctor on GPUs that are not well: the real driver door, a stand-in library."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.loopback import Said, envtool
from tests.nvml.standin import NvmlStandin, StandinGpu, uuid_of

WELL = {
    "ecc": 1,
    "ecc.1.0": 0,
    "ecc.1.1": 0,
    "remap.pending": 0,
    "banks.max": 640,
    "compute_mode": 0,
    "persistence": 1,
    "fabric": 3,
    "temperature": 34,
    "margin": 53,
    "power_limit_mw": 700_000,
    "default_power_limit_mw": 700_000,
    "processes": "-",
    "field.230": 0,
}
H100 = StandinGpu(readings=WELL)
GEFORCE = StandinGpu("NVIDIA GeForce RTX 4090", "8.9", 25_757_220_864, mig="")

pytestmark = pytest.mark.usefixtures("isolated")


def gpus(**odd: object) -> list[StandinGpu]:
    """Return eight GPUs of which number 2 says something else; ``__`` stands for a dot."""
    said = {key.replace("__", "."): value for key, value in odd.items()}
    return [*[H100] * 2, H100._replace(readings={**WELL, **said}), *[H100] * 5]


def data(said: Said) -> Any:  # noqa: ANN401 - JSON
    return json.loads(said.out)["data"]


def judged(said: Said) -> dict[str, list[tuple[str, str]]]:
    """Return code and status of each GPU's findings about its health, by its number.

    Without those of the kernel log, which is the one of the machine that runs the tests.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for one in data(said)["findings"]:
        if one["name"] == "health" and one["subject"] and one["code"] != "ET699":
            number = one["subject"].split()[1]
            found.setdefault(number, []).append((one["code"], one["status"]))
    return found


def test_eight_gpus_that_are_well_have_one_line_each(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin(gpus())

    said = envtool("doctor", env=env)
    document = envtool("doctor", "--json", env=env)

    line = "GPU 5 NVIDIA H100 80GB HBM3: healthy (ECC 0, remaps 0, 34 °C)"
    assert line in said.out
    assert said.out.count("healthy (") == 8
    assert (said.status, document.status) == (0, 0)
    assert judged(document) == {str(number): [("ET670", "pass")] for number in range(8)}
    values = data(document)["health"]
    assert [gpu["uuid"] for gpu in values["gpus"]] == [uuid_of(number) for number in range(8)]
    assert values["gpus"][3]["ecc"]["uncorrected"] == 0
    assert values["gpus"][3]["pcie"]["width"] is None


@pytest.mark.parametrize(
    ("odd", "code", "status"),
    [
        ({"ecc__1__0": 3}, "ET674", "fail"),
        ({"remap__pending": 1}, "ET679", "warn"),
        ({"compute_mode": 2}, "ET691", "fail"),
        ({"fabric": 2}, "ET694", "fail"),
        ({"field__230": 1}, "ET673", "fail"),
    ],
)
def test_one_gpu_that_is_not_well_is_named(
    nvml_standin: NvmlStandin, odd: dict[str, object], code: str, status: str
) -> None:
    said = envtool("doctor", "--json", env=nvml_standin(gpus(**odd)))

    found = judged(said)
    assert found.pop("2") == [(code, status)]
    assert found == {str(number): [("ET670", "pass")] for number in (0, 1, 3, 4, 5, 6, 7)}
    assert said.status == (1 if status == "fail" else 0)


def test_a_person_is_told_what_to_do(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin(gpus(remap__pending=1))

    said = envtool("doctor", env=env)
    chinese = envtool("doctor", "--lang", "zh", env=env)

    assert "fix: stop every process on it and reset it (sudo nvidia-smi -r -i 2)" in said.out
    assert "verdict: 8 usable GPUs; look at the warnings above" in said.out
    assert "sudo nvidia-smi -r -i 2" in chinese.out
    assert "等待复位" in chinese.out


def test_a_gpu_that_hangs_is_unknown_and_the_others_are_told(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin(gpus(), calls={"nvmlDeviceGetRemappedRows.2": "hang"})

    said = envtool("doctor", "--json", env=env)

    found = judged(said)
    assert found.pop("2") == [("ET672", "unknown")]
    assert {one for rows in found.values() for one in rows} == {("ET670", "pass")}
    assert (len(found), said.status) == (7, 3)


def test_a_geforce_that_reports_nothing_is_not_accused(nvml_standin: NvmlStandin) -> None:
    said = envtool("doctor", "--json", env=nvml_standin([GEFORCE]))

    assert judged(said) == {"0": [("ET670", "pass")]}
    assert said.status == 0


def test_the_health_alone_is_asked_thoroughly(nvml_standin: NvmlStandin) -> None:
    readings = {**WELL, "inforom": "!14", "link.0": 1, "link.1": 0}
    env = nvml_standin([H100._replace(readings=readings)])

    quick = envtool("doctor", "--json", env=env)
    thorough = envtool("doctor", "health", "--json", env=env)

    assert judged(quick) == {"0": [("ET670", "pass")]}
    assert judged(thorough) == {"0": [("ET682", "warn"), ("ET693", "warn")]}
    assert {one["name"] for one in data(thorough)["findings"]} == {"health"}


def test_every_value_is_shown_to_who_asks_for_it(nvml_standin: NvmlStandin) -> None:
    said = envtool("doctor", "--verbose", env=nvml_standin([H100]))

    assert "ecc.uncorrected " in said.out
    assert "not reported (NVML code): " in said.out


def test_a_lost_gpu_is_told_once(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin(gpus(), calls={"nvmlDeviceGetHandleByIndex_v2.2": 15})

    found = data(envtool("doctor", "--json", env=env))["findings"]

    assert [one["code"] for one in found if one["subject"].startswith("GPU 2")] == ["ET312"]


def test_a_machine_without_a_driver_is_not_asked() -> None:
    said = envtool("doctor", "health", "--json")

    (found,) = data(said)["findings"]
    assert (found["status"], said.status) == ("skip", 0)
    assert data(said)["health"] is None
