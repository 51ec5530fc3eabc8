"""The answer, line by line: a stage that crashes or hangs leaves what went before it.

A stage writes a line when it begins and one when it ends, so that after a crash or a hang the last
begun stage is known. Lines go to the stdout we were started with; meanwhile file descriptor 1 is
stderr, so that what torch prints cannot mix with the answer.
"""

import json
import os
import sys
import time
import warnings
from typing import Any, Callable, Dict, Optional

MARKER = "envtool-probe: "
MOST_TEXT = 4000
MOST_WARNINGS = 20
Answer = Dict[str, Any]
# torch is not there when these files are checked, so its tensors and dtypes have no type.
Tensor = Any


class Reporter:
    """Writes the answer, line by line, to the stdout we were started with."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._fd = os.dup(1)
        os.dup2(2, 1)

    def tell(self, line: Answer) -> None:
        """Write one line at once, so that a crash cannot take it back."""
        # A line of its own, whatever was printed without an end before we started.
        data = ("\n" + MARKER + json.dumps(line, allow_nan=False) + "\n").encode("ascii")
        while data:
            data = data[os.write(self._fd, data) :]

    def stage(self, name: str, act: Callable[[], Answer]) -> Optional[Answer]:
        """Run one stage and report it; an exception is an answer too."""
        self.tell({"event": "begin", "stage": name})
        started = time.perf_counter()
        answer: Optional[Answer] = None
        error: Optional[Answer] = None
        with warnings.catch_warnings(record=True) as caught:
            # torch warns of drivers and of numpy with these two; the rest is for developers.
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            warnings.simplefilter("always", RuntimeWarning)
            try:
                answer = act()
            except (Exception, SystemExit) as raised:
                error = describe(raised)
        said = list(dict.fromkeys(str(warning.message)[:MOST_TEXT] for warning in caught))
        end = {"event": "end", "stage": name, "seconds": time.perf_counter() - started}
        self.tell({**end, "warnings": said[:MOST_WARNINGS], "error": error, "answer": answer})
        return answer


def describe(error: BaseException) -> Answer:
    """Return an exception as type and text, without its traceback."""
    return {"type": type(error).__name__, "text": str(error)[:MOST_TEXT]}
