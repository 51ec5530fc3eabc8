"""envtool plan against uv's own choice by driver, on one copy of the wheel indexes.

uv goes to the wheel host by name, so a proxy on this machine ends its TLS with a throw-away
certificate (made by openssl) and answers from the bundled index. envtool needs no index: its
data comes with it. Two tables: whole processes, as ratios of medians; and what each of them
chose for several GPUs, with the verdict of the tables on uv's pick.

    python benchmarks/peers.py
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from envtool.detect.target import parse_target
from envtool.facts.load import Facts
from envtool.model.source import WHEEL_HOST
from envtool.resolve.fit import Bench
from tests.wheel_index import Handler, WheelIndex, every_entry, serving

ROUNDS = 9
REQUESTS = ("torch", "torch<2.8", "torch==2.5.1")
# Timed is the first one. None of the GPUs is too new or too old for any of them.
DRIVERS = ("550.54", "440.33", "580.65")
GPUS = ("sm_61", "sm_70", "sm_75")
TARGET = "os=linux,arch=x86_64,libc=glibc-2.28,python=3.11,driver={driver},gpu={gpu}"
HOST = urlsplit(WHEEL_HOST).hostname or ""


class Proxy(Handler):
    """Stands in for the wheel host towards whoever connects through it.

    Attributes:
        tls: The certificate.
    """

    tls: ssl.SSLContext

    def do_CONNECT(self) -> None:  # noqa: N802 - the name is theirs
        """Answer for the host, whatever it is, from the index."""
        self.send_response(200)
        self.end_headers()
        # uv hangs up on connections that it opened and has no use for.
        with suppress(OSError), self.tls.wrap_socket(self.connection, server_side=True) as inside:
            Handler(inside, self.client_address, self.server)
        self.close_connection = True


def certificate(folder: Path) -> Path:
    """Make a certificate for the wheel host and its key, in one file."""
    both, key = folder / "both.pem", folder / "key.pem"
    openssl = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    names = ("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    kind = ("-addext", "basicConstraints=critical,CA:FALSE")
    argv = (*openssl, *names, *kind, "-keyout", str(key), "-out", str(both))
    subprocess.run(argv, check=True, capture_output=True)
    with both.open("a", encoding="ascii") as file:
        file.write(key.read_text("ascii"))
    return both


class Uv:
    """uv, on an index of this machine."""

    def __init__(self, index: WheelIndex, folder: Path, authority: Path) -> None:
        self._cache = folder / "cache"
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "UV_CACHE_DIR": str(self._cache),
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_DEFAULT_INDEX": index.default,
            "HTTPS_PROXY": index.url,
            "NO_PROXY": "127.0.0.1",
            "SSL_CERT_FILE": str(authority),
        }

    def pick(self, request: str, driver: str) -> str:
        """Return what uv picks with a driver: 2.13.0+cu132."""
        machine = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28")
        said = ("--torch-backend", "auto", "--no-header", "--no-annotate", "--quiet")
        done = subprocess.run(
            ("uv", "pip", "compile", "-", "--python", sys.executable, *machine, *said),
            input=request,
            env={**self._env, "UV_CUDA_DRIVER_VERSION": driver},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
        (line,) = (one for one in done.stdout.splitlines() if one.startswith("torch=="))
        return line.removeprefix("torch==")

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self._cache, ignore_errors=True)


def envtool_pick(request: str, driver: str, gpu: str) -> str:
    """Return what envtool decides for a GPU, or its error and hint."""
    program = str(Path(sys.executable).with_name("envtool"))
    target = TARGET.format(driver=driver, gpu=gpu)
    argv = (program, "plan", request, "--target", target, "--json")
    said = json.loads(subprocess.run(argv, capture_output=True, text=True, check=False).stdout)
    chosen = said["data"]["chosen"]
    return str(chosen["name"]) if chosen else f"no: {said['data']['nearest']['en']}"


def verdict(pick: str, driver: str, gpu: str, facts: Facts) -> str:
    """Return what the tables say of a pick for a GPU."""
    host = parse_target([TARGET.format(driver=driver, gpu=gpu)], facts)
    bench = Bench(host, facts, host.pythons)
    rows = facts.listed("torch", host.os, host.arch)
    builds = [bench.build(listed) for listed in rows if listed.variant]
    same = [build for build in builds if build.name == pick]
    if not same:
        return "not in the index"
    best = min(same, key=lambda build: len(build.objections))
    if best.variant.kind == "cpu":
        return "CPU only, not a word about it"
    found = [objection.text.en for objection in best.objections]
    return "; ".join(found) or f"runs: {best.code} code, {best.support} driver support"


def wall_s(act: Callable[[], object], before: Callable[[], object] = str) -> float:
    """Return the seconds that something takes, after something that does not count."""
    before()
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def timed(uv: Uv, index: WheelIndex, request: str) -> str:
    """Return a row of times."""
    driver, gpu = DRIVERS[0], GPUS[-1]
    by_uv, by_envtool = (
        partial(uv.pick, request, driver),
        partial(envtool_pick, request, driver, gpu),
    )
    uv.forget()
    index.asked.clear()
    by_uv()
    pages = {path for path in index.asked if path.endswith("/torch/")}
    by_envtool()
    rounds = [(wall_s(by_uv, uv.forget), wall_s(by_uv), wall_s(by_envtool)) for _ in range(ROUNDS)]
    cold, warm, own = (statistics.median(column) * 1e3 for column in zip(*rounds, strict=True))
    times = f"{own:.0f} | {cold:.0f} | {warm:.0f} | {cold / own:.2f} | {warm / own:.2f}"
    return f"| `{request}` | {times} | {len(pages)} |"


def main() -> None:
    facts = Facts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = certificate(folder)
        Proxy.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        Proxy.tls.load_cert_chain(authority)
        with serving(every_entry(), Proxy) as index:
            uv = Uv(index, folder, authority)
            print(f"driver {DRIVERS[0]}, medians of {ROUNDS} rounds\n")
            print("| request | envtool ms | uv cold ms | uv warm ms |", end="")
            print(" cold / envtool | warm / envtool | pages |\n|---|---|---|---|---|---|---|")
            for request in REQUESTS:
                print(timed(uv, index, request))
            print("\n| driver | request | uv | GPU | the tables on it | envtool |")
            print("|---|---|---|---|---|---|")
            for driver in DRIVERS:
                for request in REQUESTS:
                    pick = uv.pick(request, driver)
                    for gpu in GPUS:
                        said = verdict(pick, driver, gpu, facts)
                        own = envtool_pick(request, driver, gpu)
                        print(f"| {driver} | `{request}` | {pick} | {gpu} | {said} | {own} |")


if __name__ == "__main__":
    main()
