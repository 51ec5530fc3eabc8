"""Why a configuration file is left alone: what its own tool would say, with the line."""

from __future__ import annotations

from envtool.errors import RefusedError, UnknownError
from envtool.words import Text


def unreadable(
    line: int, en: str, zh: str, *, original: str = "", can_mend: bool = False
) -> RefusedError:
    """Return the refusal of a file that its own tool cannot read.

    Args:
        line: From 1; 0 if it is not known.
        en: What is wrong.
        zh: The same.
        original: What the parser said.
        can_mend: `mirror lint --fix` mends it; FILE stands for the path where a hint names it.
    """
    where = Text(f"line {line}: {en}", f"第 {line} 行：{zh}") if line else Text(en, zh)
    return RefusedError(
        "ET771",
        Text("the file cannot be read; nothing was changed", "文件无法读取，未做任何更改"),
        why=(where,),
        hint=Text(
            "envtool mirror lint --fix FILE mends it; then run this again",
            "用 envtool mirror lint --fix FILE 修正，然后重试",
        )
        if can_mend
        else Text("mend that line first", "请先修正该行"),
        original=original,
    )


def doubled(key: str, line: int, first: int) -> RefusedError:
    """Return the refusal of a file that says one thing twice."""
    return RefusedError(
        "ET772",
        Text(f"{key} stands there twice; nothing was changed", f"{key} 出现两次，未做任何更改"),
        why=(Text(f"lines {first} and {line}", f"第 {first} 行和第 {line} 行"),)
        if first
        else (Text(f"line {line}", f"第 {line} 行"),),
        hint=Text(
            "keep one of the two, by hand: only you know which is meant; then run this again",
            "请手动只保留其中一处（只有您知道应保留哪一处），然后重试",
        ),
    )


def invalid(key: str, line: int, en: str, zh: str, hint: Text | None = None) -> RefusedError:
    """Return the refusal of a value that its tool rejects, or that cannot be edited safely."""
    return RefusedError(
        "ET773",
        Text(f"{key} cannot be edited as it stands", f"{key} 的现有写法无法编辑"),
        why=(Text(f"line {line}: {en}", f"第 {line} 行：{zh}"),),
        hint=hint or Text("write it in the usual form first", "请先改成通常的写法"),
    )


def own_index(url: str, line: int) -> RefusedError:
    """Return the refusal to replace an index that is no known mirror."""
    return RefusedError(
        "ET776",
        Text(
            "the file names an index that is no known mirror; a mirror would take its place",
            "文件中已有一个并非已知镜像的索引，镜像会将其替换",
        ),
        why=(Text(f"line {line}: {url}", f"第 {line} 行：{url}") if line else Text.same(url),),
        hint=Text(
            "if it holds nothing of your own, add --force", "若其中没有您自己的软件包，请加 --force"
        ),
    )


def defect() -> UnknownError:
    """Return the error of an edit that would change more than was wished."""
    return UnknownError(
        "ET775",
        Text(
            "the edit would have changed more than was wished; nothing was written",
            "此编辑会改动预期之外的内容，未写入任何内容",
        ),
        hint=Text(
            "report it with the file, without its secrets; edit by hand meanwhile",
            "请附上该文件（去除机密）进行报告，并暂时手动编辑",
        ),
    )
