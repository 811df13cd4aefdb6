"""A search by text imports neither TensorFlow nor NumPy, one by a photo Pillow alone."""

import json
import subprocess
import sys

import pytest

from tests.datasets.small_catalogues import noise_photo

_WATCHED = ("tensorflow", "keras", "tf_keras", "pyarrow", "tqdm", "numpy", "PIL")
_SEARCH = """
import json, sys
from fitrank_tf.cli.main import main
main({arguments})
print(json.dumps(sorted(set(sys.modules) & set({watched}))), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["red shirt", "--model=shop", "--filter=gender=Men"], []),
        (["--image={photo}"], ["PIL", "numpy"]),
    ],
    ids=["text", "photo"],
)
def test_what_a_search_imports(address, tmp_path, arguments, imported) -> None:
    (tmp_path / "photo.png").write_bytes(noise_photo(1))
    given = [text.format(photo=tmp_path / "photo.png") for text in arguments]
    program = _SEARCH.format(
        arguments=["client", "--json", f"--address={address}", *given], watched=_WATCHED
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout)["hits"][0]["title"] == "Red Shirt"
    assert json.loads(ran.stderr) == imported
