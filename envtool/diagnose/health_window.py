"""What happened to a GPU while it worked: two looks at its counters, and what grew between."""

from __future__ import annotations

from collections.abc import Iterator

from envtool.diagnose.health_words import DCGM, NVML, RESET_OR_REPLACE, finding
from envtool.model.finding import Finding
from envtool.model.health import NvLink, Vitals
from envtool.words import Text

# Replays per lane and minute at a bit error rate of 1e-12, by PCIe generation (DCGM,
# DcgmHealthWatch.cpp).
REPLAYS_PER_LANE = {1: 0.15, 2: 0.3, 3: 0.48, 4: 0.96, 5: 1.92, 6: 3.84}
# CRC errors a second on a link that fail it (DCGM).
CRC_PER_S = 100.0


def check_window(before: Vitals, after: Vitals, seconds: float) -> Iterator[Finding]:
    """Yield what grew between two looks at one GPU while it worked.

    Args:
        before: The first look.
        after: The second one.
        seconds: Between them.
    """
    if not seconds > 0 or before.uuid != after.uuid:
        return
    yield from _errors(before, after)
    yield from _replays(before, after, seconds)
    yield from _links(before, after, seconds)


def _grown(before: int | None, after: int | None) -> int:
    """Return by how much a counter grew; 0 where it is not told, or was reset."""
    return 0 if before is None or after is None else max(0, after - before)


def _errors(before: Vitals, after: Vitals) -> Iterator[Finding]:
    count = _grown(before.ecc.uncorrected, after.ecc.uncorrected)
    if count:
        text = Text(
            f"{count} memory errors that could not be corrected while it worked: "
            "its results are not to be trusted",
            f"工作期间出现 {count} 个不可纠正的显存错误：结果不可信",
        )
        yield finding(
            after,
            "ET674",
            "fail",
            text,
            value=count,
            limit=0,
            limit_from=NVML,
            fix=RESET_OR_REPLACE,
            needs_root=True,
        )


def _replays(before: Vitals, after: Vitals, seconds: float) -> Iterator[Finding]:
    generation, lanes = after.pcie.generation, after.pcie.width
    count = _grown(before.pcie.replays, after.pcie.replays)
    if not count or not lanes or generation not in REPLAYS_PER_LANE:
        return
    limit = lanes * REPLAYS_PER_LANE[generation]
    rate = count / seconds * 60
    # Within a short test one replay is chance; the limit is one of minutes.
    if rate > limit and count > limit:
        text = Text(
            f"{count} PCIe packets had to be sent again in {seconds:.0f} s",
            f"{seconds:.0f} 秒内有 {count} 个 PCIe 数据包重传",
        )
        fix = Text(
            "signal quality: seat it again, look at riser and cable",
            "信号质量差：重新插紧，检查转接卡和线缆",
        )
        yield finding(
            after,
            "ET684",
            "warn",
            text,
            value=f"{rate:.0f} a minute",
            limit=f"{limit:g} a minute",
            limit_from=DCGM,
            fix=fix,
        )


def _links(before: Vitals, after: Vitals, seconds: float) -> Iterator[Finding]:
    stood = {link.number: link for link in before.nvlinks}
    for link in after.nvlinks:
        old = stood.get(link.number, NvLink(link.number, is_up=True))
        again = _grown(old.replays, link.replays) + _grown(old.recoveries, link.recoveries)
        crc = _grown(old.crc_flits, link.crc_flits) + _grown(old.crc_data, link.crc_data)
        is_fatal = crc / seconds > CRC_PER_S
        if again or is_fatal:
            text = Text(
                f"NVLink {link.number}: {again} replays and recoveries, {crc} CRC errors "
                f"in {seconds:.0f} s",
                f"NVLink {link.number}：{seconds:.0f} 秒内 {again} 次重传和恢复，{crc} 个 CRC 错误",
            )
            yield finding(
                after,
                "ET693",
                "fail" if is_fatal else "warn",
                text,
                value=f"{again}, {crc / seconds:.0f} CRC/s",
                limit=f"0, {CRC_PER_S:g} CRC/s",
                limit_from=DCGM,
                fix=Text("look at the bridge or baseboard", "检查 NVLink 桥或底板"),
            )
