"""Fingerprints of source code, on which results depend besides data and configuration."""

import ast
import dataclasses
import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

PACKAGE = "fitrank_tf"
ROOT = Path(__file__).resolve().parents[1]
# Modules that change no result: checks of values that are part of a key, the writing of
# files, messages and progress.
_WITHOUT_EFFECT = (
    "fitrank_tf.config",
    "fitrank_tf.core.command_line",
    "fitrank_tf.core.errors",
    "fitrank_tf.core.files",
    "fitrank_tf.core.packages",
    "fitrank_tf.core.progress",
)
# A stage's key contains the keys of the stages that it reads, so their code is left out.
STAGES = "fitrank_tf.training.stages"


@dataclasses.dataclass(frozen=True)
class _Code:
    """Statements, imports and string literals of a module.

    Attributes:
        digest: SHA-256 (hex) of the statements.
        imports: dotted names of imported modules and of names imported from modules.
        texts: string literals except docstrings.
    """

    digest: str
    imports: frozenset[str]
    texts: frozenset[str]


def code_fingerprint(modules: Iterable[str], root: Path = ROOT) -> str:
    """SHA-256 (hex) of the code of some modules and of all modules that they import.

    Only modules of this package count, without comments, docstrings and layout. A data
    file in the folder of a module counts if a string literal of the module is its name.

    Args:
        modules: dotted names, e.g. "fitrank_tf.features.extract".
        root: folder of the package's source.
    """
    digest = hashlib.sha256()
    for name in imported_modules(modules, root):
        path = _source_of(name, root)
        code = _read(path.read_bytes())
        digest.update(f"{name} {code.digest}\n".encode())
        beside = {file.name: file for file in path.parent.iterdir() if file.suffix != ".py"}
        for data in sorted(code.texts & set(beside)):
            if beside[data].is_file():
                digest.update(beside[data].read_bytes())
    return digest.hexdigest()


def imported_modules(modules: Iterable[str], root: Path = ROOT) -> list[str]:
    """The given modules and all modules of this package that they import, sorted.

    Imports inside functions count. Modules of stages and modules without an effect on
    results are left out.

    Args:
        modules: dotted names.
        root: folder of the package's source.
    """
    found, remaining = set(), list(modules)
    while remaining:
        name = remaining.pop()
        if name not in found:
            found.add(name)
            imports = _read(_source_of(name, root).read_bytes()).imports
            named = (_module_of(imported, root) for imported in imports)
            remaining += [module for module in named if module is not None]
    return sorted(found)


def _module_of(name: str, root: Path) -> str | None:
    """The module of a dotted name of a module or of a name in it; None if left out."""
    if name.split(".")[0] != PACKAGE:
        return None
    if _source_file(name, root) is None:
        name = name.rpartition(".")[0]
    packages = {name.rsplit(".", depth)[0] for depth in range(name.count(".") + 1)}
    left_out = name == PACKAGE or packages & {*_WITHOUT_EFFECT, STAGES}
    return None if left_out else name


def _source_file(name: str, root: Path) -> Path | None:
    path = root.joinpath(*name.split(".")[1:])
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


def _source_of(name: str, root: Path) -> Path:
    path = _source_file(name, root)
    if path is None:
        raise FileNotFoundError(f"no source of {name} below {root}")
    return path


@functools.cache
def _read(source: bytes) -> _Code:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[:1]
            if first and isinstance(first[0], ast.Expr) and _text(first[0].value):
                node.body = node.body[1:]
    nodes = list(ast.walk(tree))
    return _Code(
        digest=hashlib.sha256(ast.dump(tree).encode()).hexdigest(),
        imports=frozenset(name for node in nodes for name in _imported(node)),
        texts=frozenset(text for text in map(_text, nodes) if text),
    )


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _text(node: ast.AST) -> str:
    """The value of a string literal; "" for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ""
