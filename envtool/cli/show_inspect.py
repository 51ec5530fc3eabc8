"""The GPU code of a file in words, or as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envtool.cli import errors
from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.errors import EnvtoolError
from envtool.flow.inspect import Comparison, name_differs
from envtool.inspect.build import Build
from envtool.inspect.library import Code, total
from envtool.inspect.verdict import Verdict
from envtool.words import Text

_MB = 1e6
_FEW = 3
_SIGNS = {
    "agrees": ("[green]✓[/]", "ok  "),
    "differs": ("[bold red]✗[/]", "FAIL"),
    "unknown": ("[yellow]?[/]", "?   "),
}
_STATUS = {
    "agrees": Text("the tables say the same", "与数据表一致"),
    "differs": Text("the tables say something else", "与数据表不一致"),
    "unknown": Text("unknown to the tables", "数据表中未收录"),
}
_BASIS = {
    "": Text.same(""),
    "declared": Text("torch's own list", "torch 自带的列表"),
    "counted": Text("counted", "按数量判断"),
    "named": Text("names of its kernel files", "依据内核文件名"),
}


def show_build(build: Build, session: Session) -> int:
    """Show what was found in one file."""
    if session.is_json:
        return session.document("wheels.inspect", _build_data(build))
    out, language = session.out, session.language
    out.print(f"[bold]{escape(build.name)}[/]")
    for title, value in _lines(build):
        said = value.to(language)
        if said:
            out.print(f"  {_padded(title, session)}  {escape(said)}")
    with_code = [library for library in build.libraries if not library.code.is_empty]
    for library in with_code:
        out.print(f"  {escape(library.path)}")
        out.print(f"    {escape(_counts(library.code).to(language))}")
    if len(with_code) > 1:
        every = total(library.code for library in with_code)
        out.print(f"  {Text('all together', '合计').to(language)}")
        out.print(f"    {escape(_counts(every).to(language))}")
    return 0


def show_comparisons(answers: Sequence[Comparison | EnvtoolError], session: Session) -> int:
    """Show how files compare with the tables; 1 if one differs, else what went wrong first."""
    compared = [answer for answer in answers if isinstance(answer, Comparison)]
    failed = [answer for answer in answers if isinstance(answer, EnvtoolError)]
    status = 1 if any(one.status == "differs" for one in compared) else 0
    status = status or next((error.exit_code for error in failed), 0)
    if session.is_json:
        data = {"files": [_comparison_data(one) for one in compared]}
        return session.document(
            "wheels.verify", data, exit_code=status, data_date=session.facts.date, errors=failed
        )
    for answer in answers:
        if isinstance(answer, EnvtoolError):
            errors.tell(answer, session, command="wheels")
        else:
            _show_comparison(answer, session)
    return status


def _show_comparison(one: Comparison, session: Session) -> None:
    can_draw = (session.out.encoding or "").lower().startswith("utf")
    language = session.language
    build, sign = one.build, _SIGNS[one.status][0 if can_draw else 1]
    what = " ".join(word for word in (build.release, build.variant, build.platform) if word)
    head = f"{build.name} ({what})" if what else build.name
    session.out.print(f" {sign} {escape(head)}: {_STATUS[one.status].to(language)}")
    lines = [one.why] if one.why.en else []
    found = Text(f"file    {_archs(one.found).en}", f"文件    {_archs(one.found).zh}")
    if one.status != "unknown":
        lines.append(Text(f"tables  {_archs(one.told).en}", f"数据表  {_archs(one.told).zh}"))
    lines.append(found)
    if said := name_differs(build):
        lines.append(
            Text(
                f"its name says {said}, its metadata {build.version}",
                f"文件名写的是 {said}，元数据写的是 {build.version}",
            )
        )
    if one.row:
        lines.append(Text("the row that code.csv lacks:", "code.csv 缺少的一行："))
        lines.append(Text.same(one.row))
    for line in lines:
        session.out.print(f"     {escape(line.to(language))}")


def _lines(build: Build) -> Iterable[tuple[Text, Text]]:
    """Yield title and value of what is said of a whole file."""
    verdict = build.verdict
    name = " ".join(word for word in (build.distribution, build.version) if word)
    yield Text("package", "软件包"), Text.same(name)
    said = {key: value for key, value in build.torch.items() if key != "__version__"}
    version = ", ".join(
        (build.torch.get("__version__", ""), *(f"{k} {v}" for k, v in said.items()))
    )
    yield Text.same("version.py"), Text.same(version)
    yield Text("tags", "标签"), Text.same(" ".join(build.tags))
    basis = _BASIS[verdict.basis]
    yield Text("built for", "目标架构"), _built_for(build, basis)
    if verdict.native:
        yield Text.same("PTX"), _archs(verdict.ptx)
    yield Text("also", "另有"), _also(verdict)
    unread = sum(library.code.unread for library in build.libraries)
    if unread:
        yield (
            Text("unread", "未解读"),
            Text(f"{unread} packed AMD bundles are damaged", f"{unread} 个 AMD 压缩代码包已损坏"),
        )
    if build.named and verdict.basis != "named":
        yield Text("kernel files", "内核文件"), Text.same(" ".join(build.named))
    read, size = min(build.read_bytes, build.size_bytes) / _MB, build.size_bytes / _MB
    names = ", ".join(path.rpartition("/")[2] for path in build.skipped)
    more, more_zh = "", ""
    if len(build.skipped) > _FEW:
        count = len(build.skipped)
        more, more_zh = f"; {count} libraries left out", f"；略过 {count} 个动态库"
    elif names:
        more = f"; left out {names}: CPU code (--all reads it)"
        more_zh = f"；略过 {names}：仅含 CPU 代码（--all 可读取）"
    yield (
        Text("read", "已读取"),
        Text(f"{read:.1f} MB of {size:.1f} MB{more}", f"{read:.1f} MB，共 {size:.1f} MB{more_zh}"),
    )


def _built_for(build: Build, basis: Text) -> Text:
    verdict = build.verdict
    words = [str(arch) for arch in verdict.native] + list(verdict.targets)
    if words:
        return Text(f"{' '.join(words)} ({basis.en})", f"{' '.join(words)}（{basis.zh}）")
    if verdict.ptx:
        return Text("PTX alone", "仅有 PTX")
    if build.variant == "xpu":
        return Text(
            "no NVIDIA or AMD code; code for Intel GPUs is not looked for",
            "没有 NVIDIA 或 AMD 代码；未查找 Intel GPU 代码",
        )
    if build.platform.startswith("macos"):
        return Text(
            "no NVIDIA or AMD code; Metal comes with macOS",
            "没有 NVIDIA 或 AMD 代码；Metal 由 macOS 提供",
        )
    if any(library.code.unread for library in build.libraries):
        return Text("AMD GPUs, but which ones cannot be read", "AMD GPU，但无法读出具体架构")
    if build.torch:
        return Text("CPU build: no GPU code", "CPU 构建：没有 GPU 代码")
    return Text("no GPU code", "没有 GPU 代码")


def _also(verdict: Verdict) -> Text:
    if not verdict.single:
        return Text.same("")
    words = " ".join(map(str, verdict.single))
    return Text(
        f"{words} (single kernels or bundled libraries: they make no GPU supported)",
        f"{words}（个别内核或附带的库：不代表支持相应 GPU）",
    )


def _archs(archs: Iterable[object]) -> Text:
    words = " ".join(map(str, archs))
    return Text.same(words) if words else Text("none", "无")


def _counts(code: Code) -> Text:
    words = [f"{arch}:{count}" for arch, count in code.images.items()]
    words += [f"{target}:{count}" for target, count in code.targets.items()]
    if code.unread:
        words.append(f"?:{code.unread}")
    return Text.same(" ".join(words))


def _padded(title: Text, session: Session) -> str:
    from rich.cells import cell_len  # noqa: PLC0415 - a Chinese character is two cells wide

    text = title.to(session.language)
    return text + " " * max(0, 12 - cell_len(text))


def _build_data(build: Build) -> dict[str, object]:
    return {
        "name": build.name,
        "kind": build.kind,
        "distribution": build.distribution,
        "version": build.version,
        "release": build.release,
        "variant": build.variant,
        "platform": build.platform,
        "version_py": build.torch,
        "tags": build.tags,
        "native": build.verdict.native,
        "ptx": build.verdict.ptx,
        "targets": build.verdict.targets,
        "basis": build.verdict.basis,
        "single": build.verdict.single,
        "counts_differ": build.verdict.differs,
        "is_cpu": not (build.verdict.basis or any(one.code.unread for one in build.libraries)),
        "total": _code_data(total(library.code for library in build.libraries)),
        "libraries": [
            {"path": one.path, "size_bytes": one.size_bytes, **_code_data(one.code)}
            for one in build.libraries
        ],
        "skipped": build.skipped,
        "named_targets": build.named,
        "size_bytes": build.size_bytes,
        "read_bytes": build.read_bytes,
    }


def _code_data(code: Code) -> dict[str, object]:
    return {
        "images": {str(arch): count for arch, count in code.images.items()},
        "targets": code.targets,
        "unread_bundles": code.unread,
        "declared": code.declared,
    }


def _comparison_data(one: Comparison) -> dict[str, object]:
    return {
        "name": one.build.name,
        "release": one.build.release,
        "variant": one.build.variant,
        "platform": one.build.platform,
        "status": one.status,
        "tables": one.told,
        "file": one.found,
        "targets": one.build.verdict.targets,
        "basis": one.build.verdict.basis,
        "why": one.why if one.why.en else None,
        "row": one.row,
        "name_says": name_differs(one.build),
    }
