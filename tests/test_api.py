"""envtool as a library: what an installer calls."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys

import pytest

from envtool import api

TARGET = "os=linux,arch=x86_64,libc=glibc-2.35,python=3.12,driver=580.65,gpu=sm_70"


def test_a_plan_is_a_value_with_its_reasons() -> None:
    plan = api.plan(TARGET, "torch torchvision")

    assert (plan.chosen.row.release, plan.chosen.variant.name) == ("2.14.0", "cu126")
    assert [pin.name for pin in plan.pins] == ["torch", "torchvision"]
    assert any("2.15.0+cu132" in group.builds for group in plan.rejected)
    assert not plan.chosen.objections


def test_words_and_values_ask_the_same() -> None:
    request = api.Request.parse(("torch", "torchvision"))
    assert api.plan(api.target(TARGET), request) == api.plan(TARGET, "torch torchvision")


def test_the_commands_are_those_of_the_program() -> None:
    argv = (sys.executable, "-m", "envtool", "plan", "--target", TARGET, "--json")
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)["data"]["commands"]

    commands = api.commands(api.plan(TARGET), TARGET)
    assert {tool: [list(one.argv) for one in own] for tool, own in commands.items()} == said


@pytest.mark.parametrize(
    ("target", "request_", "error"),
    [
        (TARGET.replace("580.65", "390.157"), "torch", api.RefusedError),
        (TARGET, "torch==1.9.1", api.RefusedError),
        (TARGET, "numpy", api.UsageError),
        ("gpu=H12345", "torch", api.UsageError),
        (TARGET, "torch==99.0", api.UsageError),
    ],
)
def test_a_no_is_an_error_with_one_thing_to_do(
    target: str, request_: str, error: type[api.EnvtoolError]
) -> None:
    with pytest.raises(error) as caught:
        api.plan(target, request_)
    assert caught.value.code.startswith("ET")
    assert caught.value.hint is not None


def test_this_machine_is_planned_for_without_words() -> None:
    machine = api.this_machine()
    assert machine.origin == "read"
    assert api.plan(machine, api.Request.parse(("torch",), cpu=True)).chosen.variant.kind == "cpu"


def test_neither_the_terminal_nor_the_network_is_imported() -> None:
    code = (
        "import sys; from envtool import api; "
        f"plan = api.plan({TARGET!r}); api.commands(plan, {TARGET!r}); api.this_machine(); "
        "heavy = {'typer', 'rich', 'requests', 'pynvml', 'yaml'} & set(sys.modules); "
        "print(plan.chosen.name, sorted(heavy))"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2.14.1+cu126 []"


def test_the_example_of_the_documentation_runs() -> None:
    finder = doctest.DocTestFinder()
    runner = doctest.DocTestRunner()
    examples = [test for test in finder.find(api, "envtool.api", module=api) if test.examples]
    assert examples
    for example in examples:
        assert runner.run(example).failed == 0
