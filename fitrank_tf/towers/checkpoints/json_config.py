"""Reads fields of a checkpoint's JSON files, with errors that name the field."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError


@dataclasses.dataclass(frozen=True)
class JsonConfig:
    """One JSON object of a file.

    Attributes:
        path: the file.
        fields: the object.
        place: dotted path of the object in the file, ending with a dot; "" for the root.
    """

    path: Path
    fields: Mapping[str, Any]
    place: str = ""

    @classmethod
    def read(cls, path: Path) -> "JsonConfig":
        """Reads the file's root object.

        Raises:
            FitRankError: if the file is missing or holds no JSON object.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise FitRankError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise FitRankError(f"{path} is not JSON ({error}); copy it again") from error
        if not isinstance(fields, dict):
            raise FitRankError(f"{path} holds no JSON object; copy it again")
        return cls(path, fields)

    def get(self, name: str, default: Any = None) -> Any:
        """Returns a field; the default if absent or null, as in the libraries."""
        value = self.fields.get(name)
        return default if value is None else value

    def section(self, name: str, defaults: Mapping[str, Any] | None = None) -> "JsonConfig":
        """Returns the object in a field, completed by defaults where absent or null.

        Args:
            name: of the field.
            defaults: of the object's fields.

        Raises:
            FitRankError: if the field does not hold an object.
        """
        fields = self.get(name, {})
        if not isinstance(fields, dict):
            raise self.error(name, "must be an object")
        given = {key: value for key, value in fields.items() if value is not None}
        return JsonConfig(self.path, {**(defaults or {}), **given}, f"{self.place}{name}.")

    def whole(self, name: str, default: int | None = None) -> int:
        """Returns a whole number of at least 1.

        Raises:
            FitRankError: if the field is missing or something else.
        """
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.error(name, "must be a whole number of at least 1")
        return value

    def side(self, name: str) -> int:
        """Returns the side of a square, given as one number or twice in a list.

        Raises:
            FitRankError: if the sides differ: the image tower reads squares only.
        """
        value = self.get(name)
        if not isinstance(value, list):
            return self.whole(name)
        if len(value) != 2 or value[0] != value[1]:
            raise self.error(name, "must be the side of a square: others are not supported")
        return JsonConfig(self.path, {name: value[0]}, self.place).whole(name)

    def number(self, name: str) -> float:
        """Returns a number above 0.

        Raises:
            FitRankError: if the field is missing or something else.
        """
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise self.error(name, "must be a number above 0")
        return float(value)

    def error(self, name: str, rule: str) -> FitRankError:
        """Builds an error with the file, the field, its value and the rule it breaks."""
        return FitRankError(
            f"{self.path}: {self.place}{name} is {self.fields.get(name)!r}; it {rule}"
        )
