"""How many small faults in the core modules the tests catch: `make mutants`.

Cosmic Ray finds the faults (a bound moved, a comparison turned round, an operator
exchanged). A sample of them, drawn with a fixed seed, is put into copies of the
repository, and the tests that mirror the module are run there. Each run is a fork of a
process that has TensorFlow imported already, which would take most of its time.
"""

import argparse
import functools
import importlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIG = REPOSITORY / "tests" / "mutants.toml"
LEAST_SHARE = 0.85
# Seconds of the tests of a module, after which a fault counts as caught: it never ends.
_LONGEST = 120
_PRELOADED = ("pytest", "numba", "scipy.stats", "tensorflow", "keras", "tensorflow_text")


class Mutant(NamedTuple):
    """One fault: an operator of Cosmic Ray at its n-th place in a module."""

    module: str
    operator: str
    occurrence: int
    line: int


def sample_mutants(module: str, count: int, seed: int, left_out: list[str]) -> list[Mutant]:
    """Faults at `count` places of a module, one a place."""
    from cosmic_ray.ast import ast_nodes, get_ast_from_path
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast_from_path(REPOSITORY / module)))
    by_place: dict[tuple, list[Mutant]] = {}
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or any(
            name.startswith(f"core/{each}") for each in left_out
        ):
            continue
        places = (place for node in nodes for place in operator().mutation_positions(node))
        for number, (start, end) in enumerate(places):
            mutant = Mutant(module, name, number, start[0])
            by_place.setdefault((start, end), []).append(mutant)
    draw = random.Random(f"{seed}:{module}")
    chosen = draw.sample(sorted(by_place), min(count, len(by_place)))
    drawn = [draw.choice(by_place[place]) for place in chosen]
    return [mutant for mutant in drawn if _is_possible(mutant)]


def _is_possible(mutant: Mutant) -> bool:
    """Cosmic Ray replaces exceptions, but not those with a dot in their name."""
    try:
        _mutated(mutant)
    except AttributeError:
        return False
    return True


def _mutated(mutant: Mutant) -> str:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    operator = get_operator(mutant.operator)()
    code = (REPOSITORY / mutant.module).read_text(encoding="utf-8")
    return mutate_code(code, operator, mutant.occurrence)


def describe(mutant: Mutant) -> str:
    """The fault in one line: `module:line: before -> after`."""
    before = (REPOSITORY / mutant.module).read_text(encoding="utf-8").splitlines()
    after = _mutated(mutant).splitlines()
    pairs = [(a.strip(), b.strip()) for a, b in zip(before, after) if a != b]
    changed = f"{pairs[0][0]}  ->  {pairs[0][1]}" if pairs else mutant.operator
    return f"{mutant.module}:{mutant.line}: {changed}"


@functools.cache
def _copy() -> Path:
    """This process's own copy of what the tests read."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("fitrank_tf", "serving", "pipelines", "benchmarks", "tests"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    return folder


def is_caught(mutant: Mutant | None, tests: list[str], until: float) -> bool | None:
    """Whether a test fails with the fault in place; None if there is no time left."""
    if time.monotonic() > until:
        return None
    folder = _copy()
    if mutant is None:
        return _exit_code(folder, tests) != 0
    path = folder / mutant.module
    original = path.read_bytes()
    path.write_text(_mutated(mutant), encoding="utf-8")
    try:
        return _exit_code(folder, tests) != 0
    finally:
        path.write_bytes(original)


def _exit_code(folder: Path, tests: list[str]) -> int:
    child = os.fork()
    if not child:
        signal.alarm(_LONGEST)
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        sys.modules.pop("tests", None)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        import pytest

        options = ["-x", "-q", "--rootdir=.", "--override-ini=addopts=", "-p"]
        os._exit(pytest.main([*options, "no:cacheprovider", *tests]))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _in_turns(lists: list[list[Mutant]]) -> Iterator[Mutant]:
    """The first of each list, then the second of each: early ends are fair."""
    for number in range(max(map(len, lists))):
        yield from (each[number] for each in lists if number < len(each))


def main() -> int:
    """Prints the share caught by module, then the faults that no test caught."""
    config = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--places", type=int, default=config["places"])
    parser.add_argument("--minutes", type=float, default=config["minutes"])
    parser.add_argument("--seed", type=int, default=config["seed"])
    parser.add_argument("--only", default="", help="modules whose path holds this")
    options = parser.parse_args()

    os.environ["TF_USE_LEGACY_KERAS"], os.environ["CUDA_VISIBLE_DEVICES"] = "1", "-1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.dont_write_bytecode = True
    for name in _PRELOADED:
        importlib.import_module(name)
    tests_of = {k: v for k, v in config["tests"].items() if options.only in k}
    mutants = list(
        _in_turns(
            [
                sample_mutants(name, options.places, options.seed, config["left_out"])
                for name in tests_of
            ]
        )
    )
    until = time.monotonic() + 60 * options.minutes
    with ProcessPoolExecutor(
        config["processes"], multiprocessing.get_context("fork")
    ) as pool:
        clean = [pool.submit(is_caught, None, tests, until) for tests in tests_of.values()]
        futures = [pool.submit(is_caught, m, tests_of[m.module], until) for m in mutants]
        broken = [name for name, run in zip(tests_of, clean) if run.result()]
        results = [(mutant, run.result()) for mutant, run in zip(mutants, futures)]
        folders = {run.result() for run in [pool.submit(_copy) for _ in range(8)]}
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    if broken:
        print(f"the tests of these fail without any fault: {', '.join(broken)}")
        return 2
    return report(results)


def report(results: list[tuple[Mutant, bool | None]]) -> int:
    """Prints the table; 1 if less than `LEAST_SHARE` is caught."""
    tried = [(mutant, caught) for mutant, caught in results if caught is not None]
    by_module: dict[str, list[bool]] = {}
    for mutant, caught in tried:
        by_module.setdefault(mutant.module, []).append(caught)
    by_module["all"] = [caught for _, caught in tried]
    print(f"{'module':<48} faults caught share")
    for module, found in by_module.items():
        share = sum(found) / max(1, len(found))
        print(f"{module:<48} {len(found):6} {sum(found):6} {share:5.0%}")
    if len(tried) < len(results):
        print(f"no time was left for {len(results) - len(tried)} of the faults")
    for mutant, caught in tried:
        if not caught:
            print(f"survived: {describe(mutant)}")
    return int(sum(by_module["all"]) < LEAST_SHARE * len(tried))


if __name__ == "__main__":
    sys.exit(main())
