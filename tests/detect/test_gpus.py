"""The four states of a GPU, from what NVML and the system say."""

from __future__ import annotations

import pytest

from envtool.detect.gpus import fold_graphics
from envtool.detect.traces import PciGpu, Traces
from envtool.edge.nvml import NO_ANSWER, MigDevice, NvmlAnswer, NvmlGpu
from envtool.model.gpu import Graphics
from tests.hosts import bundled

BUS = Traces(has_pci=True, is_linux=True)
RTX = PciGpu("0000:65:00.0", "0x10de", "2204", "nvidia")
RADEON = PciGpu("0000:03:00.0", "0x1002", "744c", "amdgpu")
LOADED = BUS._replace(
    nvidia=(RTX,), module="550.54.14", library="550.54.14", nodes=("nvidia0", "nvidiactl")
)
GOOD = NvmlGpu(
    0,
    "NVIDIA GeForce RTX 3090",
    (8, 6),
    25769803776,
    "GPU-1",
    "00000000:65:00.0",
    is_mig_enabled=False,
)
NO_LIBRARY = NvmlAnswer("no_library", 12, "load", detail="libnvidia-ml.so.1: cannot open")


def answered(*gpus: NvmlGpu) -> NvmlAnswer:
    return NvmlAnswer("answered", driver="550.54.14", cuda=12040, gpu_count=len(gpus), gpus=gpus)


def fold(nvml: NvmlAnswer, traces: Traces = LOADED) -> Graphics:
    return fold_graphics(nvml, traces, bundled())


def trouble(graphics: Graphics) -> str:
    assert graphics.trouble is not None
    assert graphics.remedy is not None
    assert graphics.trouble.zh
    assert graphics.remedy.zh
    return f"{graphics.trouble.en} -> {graphics.remedy.en}"


# --- usable


def test_a_gpu_that_answers_is_usable() -> None:
    found = fold(answered(GOOD))
    assert (found.state, found.driver, found.driver_cuda) == ("usable", "550.54.14", "12.4")
    (gpu,) = found.gpus
    assert str(gpu) == "NVIDIA GeForce RTX 3090 (sm_86)"
    assert (gpu.memory_bytes, gpu.uuid, gpu.pci_bus_id) == (
        25769803776,
        "GPU-1",
        "00000000:65:00.0",
    )
    assert (gpu.trouble, found.trouble) == (None, None)


def test_a_driver_too_old_to_tell_the_capability_is_helped_by_the_name() -> None:
    old = GOOD._replace(
        name="Tesla K80", capability=None, failed_call="nvmlDeviceGetCudaComputeCapability", code=13
    )
    (gpu,) = fold(answered(old)).gpus
    assert str(gpu) == "Tesla K80 (sm_37)"
    assert gpu.trouble is None


def test_a_code_that_does_not_matter_is_no_trouble() -> None:
    damaged = GOOD._replace(failed_call="nvmlDeviceGetMemoryInfo", code=14, memory_bytes=None)
    assert fold(answered(damaged)).state == "usable"


@pytest.mark.parametrize("code", [NO_ANSWER, 8, 11, 15, 16])
def test_one_bad_gpu_among_good_ones_has_its_own_trouble(code: int) -> None:
    bad = GOOD._replace(number=1, failed_call="nvmlDeviceGetMemoryInfo", code=code)
    found = fold(answered(GOOD, bad))
    assert (found.state, found.trouble) == ("usable", None)
    good_gpu, bad_gpu = found.gpus
    assert good_gpu.trouble is None
    assert bad_gpu.trouble is not None
    assert f"nvmlDeviceGetMemoryInfo: {code}" in bad_gpu.trouble.en
    assert bad_gpu.remedy is not None


def test_a_gpu_that_tells_nothing_is_in_trouble_under_its_number() -> None:
    silent = NvmlGpu(1, failed_call="nvmlDeviceGetHandleByIndex", code=999)
    _, gpu = fold(answered(GOOD, silent)).gpus
    assert (gpu.name, gpu.capability) == ("GPU 1", None)
    assert gpu.trouble is not None
    assert "nvmlDeviceGetHandleByIndex: 999" in gpu.trouble.en


def test_gpus_heard_before_a_time_out_stay_usable() -> None:
    silent = NvmlGpu(1, failed_call="nvmlDeviceGetHandleByIndex", code=NO_ANSWER)
    found = fold(answered(GOOD, silent)._replace(state="timed_out", code=NO_ANSWER))
    assert found.state == "usable"
    assert [gpu.trouble is None for gpu in found.gpus] == [True, False]


def test_where_every_gpu_is_bad_they_are_unusable() -> None:
    lost = GOOD._replace(failed_call="nvmlDeviceGetMemoryInfo", code=15)
    found = fold(answered(lost))
    assert found.state == "unusable"
    assert trouble(found).startswith("NVIDIA GeForce RTX 3090 (sm_86): ")
    assert "fallen off the bus" in trouble(found)


# --- MIG


def test_mig_slices_are_kept_with_their_memory() -> None:
    slices = (MigDevice("MIG-1", "1g.10gb", 10200547328), MigDevice(None, None, None))
    (gpu,) = fold(answered(GOOD._replace(is_mig_enabled=True, mig_devices=slices))).gpus
    assert gpu.is_mig
    assert [(mig.uuid, mig.memory_bytes) for mig in gpu.migs] == [
        ("MIG-1", 10200547328),
        ("", None),
    ]
    assert gpu.trouble is None


def test_mig_without_instances_leaves_cuda_without_a_device() -> None:
    found = fold(answered(GOOD._replace(is_mig_enabled=True)))
    assert found.state == "unusable"
    said = trouble(found)
    assert "no instances" in said
    assert "nvidia-smi mig -cgi" in said


# --- none


@pytest.mark.parametrize(
    ("nvml", "traces"),
    [
        (NO_LIBRARY, BUS),
        (NO_LIBRARY, BUS._replace(others=(RADEON,))),
        (NO_LIBRARY, Traces()),
        (answered(), BUS),
        (NvmlAnswer("failed", 9, "nvmlInit"), BUS),
    ],
)
def test_no_gpu_is_said_where_nothing_contradicts_it(nvml: NvmlAnswer, traces: Traces) -> None:
    found = fold(nvml, traces)
    assert (found.state, found.gpus, found.trouble) == ("none", (), None)


def test_no_gpu_is_said_with_evidence() -> None:
    evidence = {probe: text.en for probe, text in fold(NO_LIBRARY, BUS).evidence}
    assert evidence == {
        "NVML": "no driver library on this system",
        "PCI": "no NVIDIA display device",
        "/sys/module": "nvidia is not loaded",
        "/dev": "no nvidia device",
    }


def test_gpus_of_another_maker_are_named() -> None:
    found = fold(NO_LIBRARY, BUS._replace(others=(RADEON,)))
    assert len(found.others) == 1
    assert found.others[0].startswith("AMD ")


STATES = [
    NO_LIBRARY,
    answered(),
    *(NvmlAnswer("failed", code, "nvmlInit") for code in (1, 4, 9, 10, 15, 17, 18, 27, 999)),
    NvmlAnswer("timed_out", NO_ANSWER, "nvmlInit"),
    NvmlAnswer("crashed", NO_ANSWER, "nvmlInit", detail="SIGSEGV"),
]
TRACES = [
    LOADED,
    BUS._replace(nvidia=(RTX._replace(driver=""),)),
    BUS._replace(nvidia=(RTX._replace(driver="nouveau"),)),
    BUS._replace(nvidia=(RTX._replace(driver="vfio-pci"),)),
    BUS._replace(module="550.54.14"),
    Traces(is_linux=True, nodes=("nvidia0", "nvidiactl")),
    Traces(is_linux=True, nodes=("dxg",)),
    Traces(is_linux=True, is_jetson=True),
]


@pytest.mark.parametrize("traces", TRACES)
@pytest.mark.parametrize("nvml", STATES)
def test_no_gpu_is_never_said_where_something_shows_one(nvml: NvmlAnswer, traces: Traces) -> None:
    found = fold(nvml, traces)
    assert found.state in {"unusable", "unknown"}
    assert trouble(found)
    assert len(found.gpus) == len(traces.nvidia)


# --- unusable and unknown


@pytest.mark.parametrize(
    ("device", "name", "capability"),
    [
        # Boards that no table of products names, in the runs of ids of their chips.
        ("118b", "NVIDIA GPU GK104 GK106 [118b]", (3, 0)),
        ("2b90", "NVIDIA GPU [2b90]", (12, 0)),
    ],
)
def test_a_board_without_a_name_is_known_by_its_chip(
    device: str, name: str, capability: tuple[int, int]
) -> None:
    found = fold(NO_LIBRARY, BUS._replace(nvidia=(RTX._replace(device=device),)))
    (gpu,) = found.gpus
    assert (gpu.name, gpu.capability) == (name, capability)


@pytest.mark.parametrize("traces", [LOADED, BUS, Traces()])
def test_versions_that_do_not_match_want_a_reboot_and_are_never_no_gpu(traces: Traces) -> None:
    mixed = traces._replace(module="550.54.14", library="570.86.15")
    found = fold(NvmlAnswer("failed", 18, "nvmlInit"), mixed)
    assert found.state == "unusable"
    said = trouble(found)
    assert "550.54.14" in said
    assert "570.86.15" in said
    assert said.endswith("-> reboot")


def test_versions_that_do_not_match_are_told_where_nothing_else_can_be_read() -> None:
    found = fold(NvmlAnswer("failed", 18, "nvmlInit"), Traces())
    assert found.state != "none"
    assert "reboot" in trouble(found)


@pytest.mark.parametrize(
    ("traces", "cause", "remedy"),
    [
        (BUS._replace(nvidia=(RTX._replace(driver="nouveau"),)), "nouveau", "reboot"),
        (BUS._replace(nvidia=(RTX._replace(driver="vfio-pci"),)), "vfio", "inside that machine"),
        (BUS._replace(nvidia=(RTX._replace(driver=""),)), "no NVIDIA driver", "install"),
        (LOADED._replace(library=""), "libraries are not here", "--gpus all"),
        (Traces(is_linux=True, nodes=("dxg",)), "WSL", "in Windows"),
        (Traces(is_linux=True, is_jetson=True), "Jetson", "JetPack"),
    ],
)
def test_without_a_library_the_first_cause_that_explains_it_is_named(
    traces: Traces, cause: str, remedy: str
) -> None:
    said = trouble(fold(NO_LIBRARY, traces))
    assert cause in said.partition(" -> ")[0]
    assert remedy in said.partition(" -> ")[2]


def test_a_gpu_on_the_bus_without_a_library_is_there_but_unusable() -> None:
    found = fold(NO_LIBRARY, BUS._replace(nvidia=(RTX._replace(driver="", device="102d"),)))
    assert found.state == "unusable"
    (gpu,) = found.gpus
    assert gpu.name.startswith("NVIDIA Tesla K80")
    assert gpu.capability == (3, 7)
    assert gpu.pci_bus_id == "0000:65:00.0"
    assert gpu.trouble == found.trouble


def test_an_unknown_board_on_the_bus_is_named_by_its_number() -> None:
    found = fold(NO_LIBRARY, BUS._replace(nvidia=(RTX._replace(device="ffff"),)))
    (gpu,) = found.gpus
    assert (gpu.name, gpu.capability) == ("NVIDIA GPU [ffff]", None)


@pytest.mark.parametrize("traces", [LOADED, BUS, Traces()])
@pytest.mark.parametrize(
    ("nvml", "said"),
    [
        (
            NvmlAnswer("crashed", NO_ANSWER, "nvmlInit", detail="SIGSEGV"),
            "crashed in nvmlInit (SIGSEGV)",
        ),
        (
            NvmlAnswer("timed_out", NO_ANSWER, "nvmlDeviceGetCount"),
            "did not answer nvmlDeviceGetCount in time",
        ),
    ],
)
def test_a_crash_or_hang_leaves_it_unknown(nvml: NvmlAnswer, said: str, traces: Traces) -> None:
    found = fold(nvml, traces)
    assert found.state == "unknown"
    assert said in trouble(found)


@pytest.mark.parametrize("code", [4, 10, 17, 27, 999])
def test_a_driver_that_refuses_makes_its_gpus_unusable(code: int) -> None:
    found = fold(NvmlAnswer("failed", code, "nvmlInit"))
    assert found.state == "unusable"
    assert f"nvmlInit: {code}" in trouble(found)


def test_a_driver_that_sees_none_of_the_gpus_on_the_bus_is_told() -> None:
    found = fold(answered())
    assert found.state == "unusable"
    assert "sees none of the GPUs" in trouble(found)


def test_the_loaded_module_is_the_driver_where_nvml_does_not_say() -> None:
    assert fold(NO_LIBRARY).driver == "550.54.14"


@pytest.mark.parametrize("nvml", [*STATES, answered(GOOD)])
@pytest.mark.parametrize("traces", [*TRACES, BUS, Traces()])
def test_every_answer_says_which_probe_gave_it(nvml: NvmlAnswer, traces: Traces) -> None:
    found = fold(nvml, traces)
    probes = [probe for probe, _ in found.evidence]
    assert probes[0] == "NVML"
    assert ("PCI" in probes) == traces.has_pci
    assert ("/sys/module" in probes) == ("/dev" in probes) == traces.is_linux
    assert all(text.en and text.zh for _, text in found.evidence)


def test_an_amd_gpu_is_known_by_the_target_that_the_kernel_tells() -> None:
    traces = BUS._replace(others=(RADEON,), kfd=("gfx942", "gfx1151"))
    found = fold(NO_LIBRARY, traces)
    assert found.state == "none"
    assert [(one.maker, one.target) for one in found.accelerators] == [
        ("AMD", "gfx942"),
        ("AMD", "gfx1151"),
    ]
    # Several products are gfx942: none of them is claimed.
    assert found.others[0] == "AMD gfx942"


def test_an_amd_gpu_that_only_the_bus_shows_has_no_target() -> None:
    (found,) = fold(NO_LIBRARY, BUS._replace(others=(RADEON,))).accelerators
    assert (found.maker, found.target) == ("AMD", "")


@pytest.mark.parametrize(
    ("device", "names"),
    [
        ("56a0", ("Intel Arc A770",)),
        ("0bda", ("Intel Data Center GPU Max 1100",)),
        # Inside a processor, and one that nobody knows: no machine is refused a CPU build for it.
        ("7d55", ()),
        ("ffff", ()),
    ],
)
def test_of_intel_only_boards_count(device: str, names: tuple[str, ...]) -> None:
    gpu = PciGpu("0000:03:00.0", "0x8086", device, "i915")
    found = fold(NO_LIBRARY, BUS._replace(others=(gpu,)))
    assert (found.state, found.others) == ("none", names)
