"""Systems that are timed beside one another, each in a process of its own.

Libraries with thread pools of their own would disturb one another in one process. The
processes live through the whole benchmark and work in turns, so that a machine whose speed
comes and goes does so for all of them. A request is one line of JSON, and so is its answer.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.core.errors import FitRankError

# Returns when its work is done, with what it made.
Way = Callable[[], np.ndarray]

# Each library reads its own of these when it is imported. PyTorch and TensorFlow with
# oneDNN read OpenMP's.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # XLA's
)
# What is compared is the processor's work, also where a GPU would be found.
_CPU_ONLY = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


class BenchmarkProcess:
    """One system; `close` ends its process.

    Args:
        name: for errors.
        module: run by `python -m`; calls `answer_requests`.
        folder: handed to the module; its log goes there too.
        environment: variables to set beside those that limit threads.
        arguments: handed to the module after the folder.
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

    def show(self, way: str) -> np.ndarray:
        """What a way makes.

        Raises:
            FitRankError: if the process ended.
        """
        return np.array(self._ask(["show", way]))

    def time(self, way: str, steps: int) -> list[float]:
        """Seconds of each of some steps of a way.

        Raises:
            FitRankError: if the process ended.
        """
        return self._ask(["time", way, steps])

    def _ask(self, request: list):
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # It ended before; the empty answer tells.
        answer = self._process.stdout.readline()
        if not answer:
            raise self._ended()
        return json.loads(answer)

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


def answer_requests(prepare: Callable[..., Mapping[str, Way]]) -> None:
    """The process's end: answers until there are no more requests.

    Args:
        prepare: takes the folder and the other arguments; returns the ways by name.
    """
    with os.fdopen(os.dup(1), "w") as answers:
        # What libraries print must not come between the answers.
        os.dup2(2, 1)
        ways = prepare(Path(sys.argv[1]), *sys.argv[2:])
        for line in sys.stdin:
            kind, way, *steps = json.loads(line)
            run = ways[way]
            made = (
                run().tolist() if kind == "show" else [_seconds(run) for _ in range(*steps)]
            )
            print(json.dumps(made), file=answers, flush=True)


def _seconds(run: Way) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
