"""Memory: errors, rows and pages that were replaced, and when that is too many."""

from __future__ import annotations

from collections.abc import Iterator

from envtool.diagnose.health_words import (
    AZURE,
    DCGM,
    META,
    NVIDIA,
    REPLACE,
    RESET,
    RESET_OR_REPLACE,
    finding,
)
from envtool.model.finding import Finding
from envtool.model.health import Vitals
from envtool.words import Text

# Counts above these are worth watching (Azure azurehpc-health-checks; Meta gcm).
MOST_DRAM_CORRECTED = 20_000_000
MOST_SRAM_CORRECTED = 10_000
MOST_CORRECTED = 50_000_000
# DCGM_LIMIT_MAX_ROW_REMAP_UNCORRECTABLE; Azure fails above it.
MOST_REMAPS = 512
# DCGM_LIMIT_MAX_RETIRED_PAGES, and its soft limit for double-bit errors; Meta: 10 in all.
MOST_RETIRED, MANY_DOUBLE_BIT, MANY_RETIRED = 63, 15, 10
_LOAD_AGAIN = Text(
    "stop every process on it and load the driver again, or reboot",
    "停止其上的所有进程并重新加载驱动，或重启机器",
)
_WATCH = Text(
    "watch how fast the count grows (nvidia-smi -q -d ECC); a growing one asks for replacement",
    "观察计数增长速度（nvidia-smi -q -d ECC）；若持续增长请考虑更换",
)


def check_memory(vitals: Vitals) -> Iterator[Finding]:
    """Yield what there is to say about a GPU's memory."""
    yield from _uncorrected(vitals)
    yield from _sram(vitals)
    yield from _corrected(vitals)
    yield from _mode(vitals)
    yield from _remaps(vitals)
    yield from _banks(vitals)
    yield from _retired(vitals)


def _uncorrected(vitals: Vitals) -> Iterator[Finding]:
    count, ever = vitals.ecc.uncorrected, vitals.ecc.uncorrected_ever
    if count:
        text = Text(
            f"{count} memory errors that could not be corrected (ECC) since the driver was loaded: "
            "results may be wrong",
            f"自驱动加载以来有 {count} 个不可纠正的显存错误（ECC）：计算结果可能出错",
        )
        yield finding(
            vitals,
            "ET674",
            "fail",
            text,
            value=count,
            limit=0,
            limit_from=f"{META}; Imbue cluster-health",
            fix=RESET_OR_REPLACE,
            needs_root=True,
        )
    elif ever:
        text = Text(
            f"{ever} memory errors in its life could not be corrected (ECC), none since the driver "
            "was loaded",
            f"历史上有 {ever} 个不可纠正的显存错误（ECC），自驱动加载以来没有",
        )
        fix = Text(
            "nothing now; look at its remapped rows or retired pages (nvidia-smi -q)",
            "目前无需处理；可查看其重映射行或停用页（nvidia-smi -q）",
        )
        yield finding(
            vitals, "ET676", "warn", text, value=ever, limit=0, limit_from=NVIDIA, fix=fix
        )


def _sram(vitals: Vitals) -> Iterator[Finding]:
    ecc = vitals.ecc
    if ecc.is_sram_worn:
        text = Text(
            "its caches and registers have had more errors than the driver's limit allows (SRAM)",
            "缓存和寄存器的错误数超过驱动规定的上限（SRAM）",
        )
        yield finding(
            vitals, "ET675", "fail", text, value="exceeded", limit_from=NVIDIA, fix=REPLACE
        )
    elif ecc.sram_uncorrected:
        count = ecc.sram_uncorrected
        text = Text(
            f"{count} errors in caches or registers that could not be corrected (SRAM)",
            f"缓存或寄存器中有 {count} 个不可纠正的错误（SRAM）",
        )
        yield finding(
            vitals,
            "ET675",
            "fail",
            text,
            value=count,
            limit=0,
            limit_from=AZURE,
            fix=RESET_OR_REPLACE,
            needs_root=True,
        )


def _corrected(vitals: Vitals) -> Iterator[Finding]:
    ecc = vitals.ecc
    limits = (
        ("DRAM", ecc.dram_corrected, MOST_DRAM_CORRECTED, AZURE),
        ("SRAM", ecc.sram_corrected, MOST_SRAM_CORRECTED, AZURE),
        ("ECC", ecc.corrected, MOST_CORRECTED, META),
    )
    for kind, count, most, whose in limits:
        if count is not None and count > most:
            text = Text(
                f"{count} corrected memory errors since the driver was loaded ({kind})",
                f"自驱动加载以来已纠正 {count} 个显存错误（{kind}）",
            )
            yield finding(
                vitals, "ET677", "warn", text, value=count, limit=most, limit_from=whose, fix=_WATCH
            )
            return


def _mode(vitals: Vitals) -> Iterator[Finding]:
    ecc = vitals.ecc
    if ecc.is_on is None:
        return
    if ecc.is_on_next is not None and ecc.is_on != ecc.is_on_next:
        words = ("on", "开启") if ecc.is_on_next else ("off", "关闭")
        text = Text(f"ECC will be {words[0]} after the next reset", f"ECC 将在下次复位后{words[1]}")
        yield finding(vitals, "ET678", "warn", text, value=words[0], fix=RESET, needs_root=True)
    elif not ecc.is_on:
        text = Text("ECC is off: memory errors go unnoticed", "ECC 已关闭：不会发现显存错误")
        fix = Text(
            "sudo nvidia-smi -i {number} -e 1 turns it on after a reset",
            "sudo nvidia-smi -i {number} -e 1 可在复位后开启",
        )
        yield finding(
            vitals,
            "ET678",
            "pass",
            text,
            value="off",
            limit="on",
            limit_from="Imbue cluster-health",
            fix=fix,
            needs_root=True,
        )


def _remaps(vitals: Vitals) -> Iterator[Finding]:
    remaps = vitals.remaps
    if remaps.has_failed:
        text = Text(
            "a faulty row of its memory could not be replaced by a spare one",
            "故障显存行无法用备用行替换",
        )
        yield finding(vitals, "ET679", "fail", text, value="failed", limit_from=NVIDIA, fix=REPLACE)
    if remaps.is_pending:
        text = Text(
            "a faulty row of its memory waits for a reset to be replaced; running work is safe",
            "有故障显存行等待复位后替换；正在运行的任务不受影响",
        )
        yield finding(
            vitals,
            "ET679",
            "warn",
            text,
            value="pending",
            limit_from=f"{NVIDIA}; {AZURE} and {META} fail",
            fix=RESET,
            needs_root=True,
        )
    count = remaps.uncorrected
    if count is not None and count >= MOST_REMAPS:
        text = Text(
            f"{count} rows of its memory were replaced after uncorrectable errors",
            f"已有 {count} 行显存因不可纠正的错误被替换",
        )
        yield finding(
            vitals,
            "ET679",
            "warn",
            text,
            value=count,
            limit=MOST_REMAPS,
            limit_from=f"{DCGM}; {AZURE}",
            fix=REPLACE,
        )


def _banks(vitals: Vitals) -> Iterator[Finding]:
    if vitals.remaps.banks is None:
        return
    *_, few, none = vitals.remaps.banks
    if few or none:
        text = Text(
            f"{none} banks of its memory have no spare rows left, {few} have few",
            f"{none} 个显存 bank 已无备用行，{few} 个所剩不多",
        )
        fix = Text(
            "plan its replacement: the next faulty row there cannot be replaced",
            "请计划更换：这些 bank 再出现故障行时将无法替换",
        )
        yield finding(
            vitals,
            "ET680",
            "warn",
            text,
            value=f"{none}, {few}",
            limit=0,
            limit_from=NVIDIA,
            fix=fix,
        )


def _retired(vitals: Vitals) -> Iterator[Finding]:
    retired = vitals.retired
    double = retired.double_bit or 0
    count = double + (retired.single_bit or 0)
    text = Text(
        f"{count} pages of its memory are retired, {double} after double-bit errors",
        f"已停用 {count} 个显存页，其中 {double} 个因双比特错误",
    )
    if count >= MOST_RETIRED:
        yield finding(
            vitals,
            "ET681",
            "fail",
            text,
            value=count,
            limit=MOST_RETIRED,
            limit_from=DCGM,
            fix=REPLACE,
        )
    elif double > MANY_DOUBLE_BIT or count > MANY_RETIRED:
        is_double = double > MANY_DOUBLE_BIT
        yield finding(
            vitals,
            "ET681",
            "warn",
            text,
            value=double if is_double else count,
            limit=MANY_DOUBLE_BIT if is_double else MANY_RETIRED,
            limit_from=DCGM if is_double else META,
            fix=_WATCH,
        )
    if retired.is_pending:
        text = Text("a faulty page of its memory waits to be retired", "有故障显存页等待停用")
        yield finding(
            vitals,
            "ET681",
            "warn",
            text,
            value="pending",
            limit_from=NVIDIA,
            fix=_LOAD_AGAIN,
            needs_root=True,
        )
