"""Put questions to NVML about one GPU, in a child process, and write what comes of it.

A question that says that there is nothing to report is not put again, a call that keeps
failing is given up, and a call under way is known by name, so that one that does not come
back can be told.
"""

from __future__ import annotations

import importlib
import json
import os
import threading
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Protocol, cast

from envtool.edge.nvml_child import FUNCTION_NOT_FOUND, UNKNOWN

Question = tuple[str, tuple[int, ...]]
"""A function of pynvml and its arguments behind the handle."""

# Nothing to report here, which is no fault of the GPU: invalid argument (an older driver does
# not know what was asked for), not supported, no permission, not found, no such function, no
# data yet, other version of a structure, deprecated (nvml.h).
_ABSENT = frozenset({2, 3, 4, 6, FUNCTION_NOT_FOUND, 21, 25, 26})
# The GPU is lost, or must be reset: nothing more will come from it.
_LOST = frozenset({15, 16})
# Other failures may pass; a call that fails as often in a row is not made any more.
_MOST_FAILURES = 3
_WRITE_S = 1.0
_VALUES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


class _Field(Protocol):
    """c_nvmlFieldValue_t of pynvml."""

    fieldId: int  # noqa: N815 - NVIDIA's names
    valueType: int  # noqa: N815
    nvmlReturn: int  # noqa: N815
    value: object


class LostError(Exception):
    """The GPU does not answer any more, and will not."""


class Writer:
    """Writes lines of JSON, each at once and in one piece."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._lock = threading.Lock()

    def write(self, gpu: int | None, what: str, **said: object) -> None:
        """Write one line; end this process if nobody listens."""
        line = json.dumps({"gpu": gpu, "is": what, **said}).encode() + b"\n"
        # A reader that has stopped must not keep us from leaving.
        if not self._lock.acquire(timeout=_WRITE_S):
            return
        try:
            while line:
                line = line[os.write(self._out, line) :]
        except OSError:
            os._exit(1)
        finally:
            self._lock.release()


class Asker:
    """Puts questions about one GPU, or about all of them (None)."""

    def __init__(self, writer: Writer, gpu: int | None = None) -> None:
        self.writer = writer
        self.gpu = gpu
        self.handle: object = None
        self._under_way: tuple[str, float] | None = None
        self._told: tuple[str, float] | None = None
        self._failures: dict[Question, int] = {}
        self._absent: set[Question] = set()

    def write(self, what: str, **said: object) -> None:
        """Write a line about this GPU."""
        self.writer.write(self.gpu, what, **said)

    def call(self, name: str, *args: object) -> tuple[int, object]:
        """Call a function of pynvml; return the return code and the value."""
        # Not at the top: a machine without a driver need not pay for it.
        binding: ModuleType = importlib.import_module("pynvml")
        self._under_way = (name, time.monotonic())
        try:
            return 0, getattr(binding, name)(*args)
        except binding.NVMLError as error:
            return int(error.value), None
        except AttributeError:
            # The binding is older than this call.
            return FUNCTION_NOT_FOUND, None
        except (ValueError, OSError):
            # A name that is not UTF-8; on Windows, an access violation.
            return UNKNOWN, None
        finally:
            self._under_way = None

    def need(self, name: str, *args: object) -> object:
        """Call a function without which there is nothing to say of the GPU.

        Raises:
            LostError: It failed, which has been written.
        """
        code, value = self.call(name, *args)
        if code:
            self.write("failed", call=name, code=code)
            raise LostError
        return value

    def ask(
        self, question: Question, *, most: int = _MOST_FAILURES, extra: object = None
    ) -> object:
        """Put a question about the GPU; None if nothing is reported.

        Args:
            question: The function and its arguments.
            most: Failures in a row after which it is given up, which is then written.
            extra: An argument that is no number, before the others.

        Raises:
            LostError: The GPU is lost, which has been written.
        """
        if question in self._absent:
            return None
        name, args = question
        first = () if self.handle is None else (self.handle,)
        code, value = self.call(name, *first, *(args if extra is None else (extra,)))
        if not code:
            self._failures.pop(question, None)
            return value
        if code not in _ABSENT:
            self._failures[question] = self._failures.get(question, 0) + 1
            if code not in _LOST and self._failures[question] < most:
                return None
            self.write("failed", call=name, code=code)
        self._absent.add(question)
        if code in _LOST:
            raise LostError
        return None

    def ask_first(self, questions: Sequence[Question], *, most: int = _MOST_FAILURES) -> object:
        """Put the first of several questions that has an answer, the newer form first."""
        for question in questions:
            value = self.ask(question, most=most)
            if value is not None:
                return value
        return None

    def ask_fields(self, numbers: tuple[int, ...]) -> dict[int, int | float]:
        """Return the fields of nvmlDeviceGetFieldValues that the GPU reports, in one call."""
        wanted = tuple(one for one in numbers if ("field", (one,)) not in self._absent)
        question = ("nvmlDeviceGetFieldValues", wanted)
        if not wanted or ("nvmlDeviceGetFieldValues", ()) in self._absent:
            return {}
        values = self.ask(question, extra=list(wanted))
        if values is None:
            if question in self._absent:
                self._absent.add(("nvmlDeviceGetFieldValues", ()))
            return {}
        found: dict[int, int | float] = {}
        for one in cast("Sequence[_Field]", values):
            if one.nvmlReturn == 0 and one.valueType < len(_VALUES):
                found[one.fieldId] = getattr(one.value, _VALUES[one.valueType])
            elif one.nvmlReturn in _ABSENT:
                self._absent.add(("field", (one.fieldId,)))
        return found

    def tell_silence(self, least_s: float) -> bool:
        """Write, once, which call has been away for so long; say whether there is one."""
        under_way = self._under_way
        if under_way is None or time.monotonic() - under_way[1] < least_s:
            return False
        if under_way != self._told:
            self._told = under_way
            self.write("silent", call=under_way[0])
        return True
