"""envtool mirror test on a farm of good, bad, slow and hanging mirrors, against its own limits.

Every mirror of the farm is a real server of this machine with one way to fail; a dead port, a
name that does not exist, three bad certificates, a redirect and a circle of redirects stand
beside them. The whole process is timed, start of Python included, against ``--timeout``, of
which it may take 1.1. What the farm really saw is compared with what envtool says it used:
requests, bytes, and connections that were open at once.

    python benchmarks/mirror_test.py [seconds …]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple, get_args

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.mirrors.farm import Farm, Way

LIMITS_S = (5.0, 10.0, 20.0)
ROUNDS = 3
BUDGET, MAX_MB = 1.1, 20
CHANNELS = "conda-forge,pytorch"


class Run(NamedTuple):
    """One whole command.

    Attributes:
        wall_s: Of the process.
        said: Its document.
        sent_bytes: Bodies that left the farm.
        requests: That the farm got.
        at_once: Most connections that the farm had open at one moment.
    """

    wall_s: float
    said: dict[str, Any]
    sent_bytes: int
    requests: int
    at_once: int


def addresses(farm: Farm) -> list[str]:
    """Start every kind of mirror there is, and return where they are."""
    urls = [farm.site(way).url for way in get_args(Way)]
    leading, circle = farm.site(), farm.site()
    leading.leads_to = farm.sites[0].url.replace("127.0.0.1", "localhost")
    circle.leads_to = circle.url
    tls = [farm.site(tls=kind).url for kind in ("unknown", "other-name", "expired")]
    return [*urls, *tls, leading.url, circle.url, farm.dead(), "https://no-such-host.invalid"]


def measured(limit_s: float, home: str) -> Run:
    """Run the command once, on a farm of its own."""
    farm = Farm(Path(home))
    try:
        urls = addresses(farm)
        envtool = str(Path(sys.executable).with_name("envtool"))
        words = (envtool, "mirror", "test", "conda-channels", "--channel", CHANNELS, "--json")
        limits = ("--timeout", f"{limit_s:g}", "--max-mb", str(MAX_MB))
        plain = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        begun_s = time.perf_counter()
        done = subprocess.run(
            (*words, *limits, "--mirror", ",".join(urls)),
            env={**plain, "HOME": home},
            capture_output=True,
            text=True,
            check=False,
        )
        wall_s = time.perf_counter() - begun_s
        requests = sum(len(site.asked) for site in farm.sites)
        sent = sum(site.sent for site in farm.sites)
        return Run(wall_s, json.loads(done.stdout)["data"], sent, requests, farm.at_once)
    finally:
        farm.close()


def main() -> None:
    limits_s = [float(word) for word in sys.argv[1:]] or LIMITS_S
    print("| limit s | wall s | wall / limit | usable | requests | at once | MB used | MB sent | |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        for limit_s in limits_s:
            runs = [measured(limit_s, home) for _ in range(ROUNDS)]
            worst = max(runs, key=lambda run: run.wall_s)
            ratio = worst.wall_s / limit_s
            said = worst.said
            usable = sum(one["state"] == "usable" for one in said["mirrors"])
            used, most = said["used_bytes"] / 1e6, said["max_bytes"] / 1e6
            requests = f"{said['requests']} told, {worst.requests} seen"
            at_once = f"{max(run.at_once for run in runs)} of {said['max_at_once']}"
            verdict = "met" if ratio <= BUDGET and used <= most else "not met"
            print(
                f"| {limit_s:g} | {worst.wall_s:.2f} | {ratio:.3f} | {usable} of "
                f"{len(said['mirrors'])} | {requests} | {at_once} | {used:.2f} of {most:g} | "
                f"{worst.sent_bytes / 1e6:.2f} | {verdict} |"
            )


if __name__ == "__main__":
    main()
