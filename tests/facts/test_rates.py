from __future__ import annotations

import csv
from pathlib import Path

import pytest

from envtool.facts.rates import (
    Product,
    accuracy_limits,
    bands,
    find_class,
    find_product,
    is_slice,
    peak_tflops,
    products,
    rate_classes,
)
from tests.facts.bands_from_published import published, share, table
from tests.hosts import bundled

FACTS = Path(bundled().folder)


def rows(name: str) -> list[dict[str, str]]:
    with (FACTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_bands_are_what_the_published_rates_say() -> None:
    assert (FACTS / "bands.csv").read_text("utf-8") == table(bundled())


def test_most_published_rates_find_a_product_and_a_peak() -> None:
    placed = [one for one in published() if share(one, bundled())]
    assert (len(published()), len(placed)) == (477, 286)


def test_a_row_of_rates_belongs_to_one_product() -> None:
    known = [(row["vendor"], row["name"], row["memory_gb"]) for row in rows("gpus.csv")]
    keys = [(row["vendor"], row["name"], row["memory_gb"]) for row in rows("rates.csv")]
    assert len(keys) == len(set(keys))
    assert all(known.count(key) == 1 for key in keys)


def test_a_row_names_a_class_and_bands_that_are_there() -> None:
    classes = rate_classes(bundled())
    capabilities = {
        (row["vendor"], row["name"], row["memory_gb"]): row["capability"]
        for row in rows("gpus.csv")
    }
    for row in rows("rates.csv"):
        if row["class"]:
            capability = capabilities[row["vendor"], row["name"], row["memory_gb"]]
            assert capability in classes[row["class"]].capabilities
    used = {one.band for one in products(bundled())} | {"nvidia", "amd"}
    assert {band for band, _ in bands(bundled())} <= used


@pytest.mark.parametrize("one", products(bundled()), ids=lambda one: f"{one.name} {one.memory_gb}")
def test_printed_rates_follow_from_class_and_clock(one: Product) -> None:
    """A rate that was copied wrongly stands out beside multiprocessors, class and clock."""
    bare = one._replace(printed={})
    for dtype, printed in one.printed.items():
        derived = peak_tflops(bare, rate_classes(bundled()), dtype)
        if derived:
            # K20 to K40 and the M4 print their base clock's rate, the L40 a lower class.
            assert printed == pytest.approx(derived, rel=0.26)


@pytest.mark.parametrize(
    ("name", "memory_gb", "sms", "power_w", "found"),
    [
        ("NVIDIA H200", 150.1, 132, None, ("NVIDIA H200 SXM5 141GB", 141)),
        ("NVIDIA H100 80GB HBM3", 85.0, 132, None, ("NVIDIA H100 SXM5 80GB", 80)),
        ("A100-SXM4-40GB", 42.3, 108, None, ("NVIDIA A100 SXM4 40GB", 40)),
        ("nvidia geforce rtx 4090", 25.2, 128, None, ("GeForce RTX 4090", 24)),
        ("GeForce RTX 2060", 6.2, 30, None, ("GeForce RTX 2060", 6)),
        ("GeForce RTX 2060", 12.6, 34, None, ("GeForce RTX 2060", 12)),
        # Memory that somebody soldered on: the multiprocessors tell.
        ("NVIDIA GeForce RTX 3080", 21.0, 68, None, ("GeForce RTX 3080", 10)),
        ("NVIDIA GeForce RTX 4090", 51.0, 128, None, ("GeForce RTX 4090", 24)),
        ("NVIDIA GeForce GTX 1650", 4.2, 14, None, ("GeForce GTX 1650", 4)),
        ("NVIDIA GeForce GTX 1650", 4.2, 16, None, ("GeForce GTX 1650 (laptop)", 4)),
        # Nothing but the power tells a laptop's from a desktop's.
        ("NVIDIA GeForce GTX 1660 Ti", 6.4, 24, None, None),
        ("NVIDIA GeForce GTX 1660 Ti", 6.4, 24, 120.0, ("GeForce GTX 1660 Ti", 6)),
        ("NVIDIA GeForce GTX 1660 Ti", 6.4, 24, 80.0, ("GeForce GTX 1660 Ti (laptop)", 6)),
        ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", None, None, None, ("NVIDIA A100 SXM4 80GB", 80)),
        ("AMD Instinct MI300X", 206.0, 304, None, ("Instinct MI300X", 192)),
        ("AMD Radeon RX 7900 XTX", 25.7, 48, None, ("Radeon RX 7900 XTX", 24)),
        ("NVIDIA GeForce RTX 4090 Ti", 25.2, 144, None, None),
        ("", None, None, None, None),
        ("(", None, None, None, None),
    ],
)
def test_a_driver_s_name_finds_its_product(
    name: str,
    memory_gb: float | None,
    sms: int | None,
    power_w: float | None,
    found: tuple[str, int] | None,
) -> None:
    product = find_product(bundled(), name, memory_gb=memory_gb, sms=sms, power_w=power_w)
    assert (product and (product.name, product.memory_gb)) == found


@pytest.mark.parametrize(
    ("name", "capability", "found"),
    [
        ("NVIDIA GeForce RTX 5090 D", (12, 0), "blackwell-geforce"),
        ("NVIDIA RTX PRO 5500 Blackwell", (12, 0), "blackwell-pro"),
        ("NVIDIA A10M", (8, 6), "ampere-pro"),
        ("NVIDIA GeForce RTX 3050 OEM", (8, 6), "ampere-geforce"),
        ("NVIDIA GeForce MX450", (7, 5), "turing-no-tensor"),
        ("NVIDIA H100 64GB HBM2", (9, 0), "hopper"),
        # L4 and L40S run at the full rate, L40 and L20 at half: the name does not tell.
        ("NVIDIA L2", (8, 9), None),
        ("NVIDIA X999", (13, 0), None),
        ("NVIDIA H200", None, None),
    ],
)
def test_a_product_nobody_wrote_down_has_a_class_if_one_alone_fits(
    name: str, capability: tuple[int, int] | None, found: str | None
) -> None:
    one = find_class(bundled(), name, capability)
    assert (one.name if one else None) == found


@pytest.mark.parametrize(
    ("name", "dtype", "peak"),
    [
        ("NVIDIA H200", "bfloat16", 989.4),
        ("NVIDIA GeForce RTX 4090", "bfloat16", 165.2),
        ("NVIDIA GeForce RTX 4090", "float8", 330.3),
        ("NVIDIA GeForce RTX 5090", "bfloat16", 209.5),
        ("NVIDIA RTX A6000", "bfloat16", 154.8),
        ("Tesla V100-SXM2-16GB", "bfloat16", None),
        ("NVIDIA GeForce GTX 1650 SUPER", "float16", None),
    ],
)
def test_peaks_are_the_vendor_s(name: str, dtype: str, peak: float | None) -> None:
    product = find_product(bundled(), name)
    assert product
    found = peak_tflops(product, rate_classes(bundled()), dtype)
    assert found == (None if peak is None else pytest.approx(peak, rel=1e-3))


def test_slices_are_told_by_their_names() -> None:
    assert is_slice("NVIDIA A100-SXM4-80GB MIG 1g.10gb")
    assert not is_slice("NVIDIA GeForce RTX 3090")


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [("float32", 24), ("tf32", 11), ("float16", 11), ("bfloat16", 8), ("float8", 8)],
)
def test_accuracy_is_bounded_by_the_bits_of_the_type(dtype: str, bits: int) -> None:
    limit = accuracy_limits(bundled())[dtype]
    assert limit.unit == 2.0**-bits
    # Freivalds' check averages over a row: it never needs the wider limit.
    assert limit.freivalds_error(4096) <= limit.largest_error(4096)
    assert 0 < limit.largest_error(128) <= limit.largest_error(16384)
