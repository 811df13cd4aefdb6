"""Running the systems of a benchmark, each in a process of its own.

In a single process the thread pools of their libraries would disturb one another. The
processes live through the whole benchmark and take turns, so changes of the machine's
speed affect all of them. A request is one line of JSON, and so is the response.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.core.errors import FitRankError

# A measured operation: returns its result when all work is done.
Operation = Callable[[], np.ndarray]

# Each library reads some of these when it is imported. PyTorch and TensorFlow with oneDNN
# read those of OpenMP.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # read by XLA
)
# All systems run on the CPU, even if the machine has a GPU.
_CPU_ONLY = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


class BenchmarkProcess:
    """The process of one system; `close` ends it.

    Args:
        name: the system's name, for error messages.
        module: run by `python -m`; calls `serve_operations`.
        folder: first argument of the module, and the directory of its log.
        environment: variables to set, besides those that limit threads.
        arguments: further arguments of the module.

    Attributes:
        name: the system's name.
    """

    def __init__(
        self,
        name: str,
        module: str,
        folder: Path,
        environment: Mapping[str, str],
        arguments: Sequence[str] = (),
    ):
        self.name = name
        self._log = folder / f"{name}.log"
        threads = str(len(os.sched_getaffinity(0)))
        limits = dict.fromkeys(_THREAD_VARIABLES, threads)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(folder), *arguments],
                env={**os.environ, **limits, **_CPU_ONLY, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def run(self, operation: str) -> np.ndarray:
        """Runs an operation once and returns its result.

        Raises:
            FitRankError: if the process ended.
        """
        return np.array(self._call(["run", operation]))

    def time(self, operation: str, steps: int) -> list[float]:
        """Times an operation.

        Args:
            operation: its name.
            steps: how many times to run it.

        Returns:
            The seconds of each step.

        Raises:
            FitRankError: if the process ended.
        """
        return self._call(["time", operation, steps])

    def _call(self, request: list[Any]) -> Any:
        requests, responses = self._process.stdin, self._process.stdout
        assert requests and responses  # pipes, see above
        try:
            requests.write(json.dumps(request) + "\n")
            requests.flush()
        except BrokenPipeError:
            pass  # The process ended: the empty response below shows it.
        response = responses.readline()
        if not response:
            raise self._ended()
        return json.loads(response)

    def _ended(self) -> FitRankError:
        status = self._process.wait()
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return FitRankError(
            f"{self.name}: its process ended with status {status} "
            f"({lines[-1] if lines else 'without a word'}); if memory ran out, ask for "
            'less at once, else `pip install "fitrank-tf[bench]"` again'
        )

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def serve_operations(prepare: Callable[..., Mapping[str, Operation]]) -> None:
    """Runs the operations that a `BenchmarkProcess` requests, until its input ends.

    Args:
        prepare: takes the folder and the other arguments; returns {name: operation}.
    """
    with os.fdopen(os.dup(1), "w") as responses:
        # Output that libraries print must not mix with the responses.
        os.dup2(2, 1)
        operations = prepare(Path(sys.argv[1]), *sys.argv[2:])
        for line in sys.stdin:
            kind, operation, *steps = json.loads(line)
            function = operations[operation]
            if kind == "run":
                result = function().tolist()
            else:
                result = [_seconds(function) for _ in range(*steps)]
            print(json.dumps(result), file=responses, flush=True)


def _seconds(function: Operation) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
