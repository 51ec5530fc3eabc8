"""Which machine a command is about: described, saved, or this one."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.cli.session import Session
from envtool.errors import UsageError
from envtool.model.host import Host
from envtool.words import Text

# Each way to name a machine imports what the others have no use for, hence inside.


def machine_of(
    session: Session,
    *,
    target: Sequence[str] | None = None,
    host_file: str = "",
    gpus: Sequence[int] | None = None,
) -> Host:
    """Return the machine to plan for.

    Args:
        session: The run.
        target: Words of --target; ENVTOOL_TARGET stands in for them.
        host_file: File of --host.
        gpus: Numbers of the GPUs to plan for; None for all.

    Raises:
        UsageError: ET123, both ways at once; ET124, no such GPU; ET113, ET12x, a bad
            description.
        UnknownError: ET301, this machine is of a kind that torch has no builds for.
    """
    words = tuple(target or ()) or tuple(filter(None, [session.environ.get("ENVTOOL_TARGET")]))
    if target and host_file:
        raise UsageError(
            "ET123",
            Text("--target and --host both name a machine", "--target 与 --host 都指定了机器"),
            hint=Text("keep one of them", "请只保留其中一个"),
        )
    if host_file:
        from envtool.detect.saved import load_host  # noqa: PLC0415

        host = load_host(host_file)
    elif words:
        from envtool.detect.target import parse_target  # noqa: PLC0415

        host = parse_target(words, session.facts)
    else:
        from envtool.detect.host import read_host  # noqa: PLC0415

        host = read_host(session.edges, session.facts)
    return host if gpus is None else _only(host, gpus)


def _only(host: Host, numbers: Sequence[int]) -> Host:
    """Return a host of which only some GPUs are planned for."""
    gpus = host.graphics.gpus
    if any(number not in range(len(gpus)) for number in numbers):
        last = len(gpus) - 1
        raise UsageError(
            "ET124",
            Text(f"there are {len(gpus)} GPUs", f"共有 {len(gpus)} 块 GPU"),
            hint=Text(f"--gpu takes 0 to {last}", f"--gpu 可取 0 到 {last}")
            if gpus
            else Text("leave --gpu out", "请去掉 --gpu"),
        )
    chosen = tuple(gpus[number] for number in dict.fromkeys(numbers))
    state = host.graphics.state
    if state == "usable" and all(gpu.trouble for gpu in chosen):
        first = chosen[0]
        graphics = host.graphics._replace(
            state="unusable", gpus=chosen, trouble=first.trouble, remedy=first.remedy
        )
        return host._replace(graphics=graphics)
    return host._replace(graphics=host.graphics._replace(gpus=chosen))
