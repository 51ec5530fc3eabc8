"""Why a proof is not whole, in words."""

from __future__ import annotations

from envtool.model.proof import Failure
from envtool.words import Text


def describe_failure(failure: Failure) -> Text:
    """Return a failure in words."""
    detail, during = failure.detail, _describe_stage(failure.stage)
    match failure.kind:
        case "not-started":
            return Text(f"this Python does not start: {detail}", f"该 Python 无法启动：{detail}")
        case "old-python":
            return Text(
                f"Python {detail} is too old for a proof, which needs 3.6",
                f"Python {detail} 过旧，验证需要 3.6 或更高版本",
            )
        case "no-torch":
            return Text(f"torch cannot be imported: {detail}", f"无法导入 torch：{detail}")
        case "crashed":
            return Text(
                f"the process ended ({detail}) {during.en}", f"{during.zh}进程终止（{detail}）"
            )
        case "timed-out":
            return Text(
                f"no answer within {detail} {during.en}", f"{during.zh}超过 {detail} 无响应"
            )
        case "garbled":
            return Text(
                f"the answer of this Python cannot be understood: {detail}",
                f"无法理解该 Python 的回答：{detail}",
            )


def _describe_stage(stage: str) -> Text:
    """Return when it was, in words."""
    name, _, subject = stage.partition(" ")
    if subject:
        return (
            Text(f"while {subject} multiplied matrices", f"{subject} 进行矩阵乘法时")
            if name == "matmul"
            else Text(f"while {subject} was imported", f"导入 {subject} 时")
        )
    return {
        "import": Text("while torch was imported", "导入 torch 时"),
        "packages": Text("while torch and numpy shared an array", "torch 与 numpy 共享数组时"),
        "devices": Text("while torch looked for GPUs", "torch 查找 GPU 时"),
        "exit": Text("while Python ended", "Python 退出时"),
    }.get(name, Text("while Python started", "Python 启动时"))
