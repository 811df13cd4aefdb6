"""A bundle trained once for all tests, and a catalogue that it never saw."""

import cv2
import numpy as np
import pytest
from small_chain import SMALL

from pipelines import train


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A bundle trained on 160 drawn products."""
    folder = tmp_path_factory.mktemp("chain") / "bundle"
    options = [f"--set={assignment}" for assignment in SMALL]
    train.main(["--num_items=160", f"--output_dir={folder}", *options])
    return folder


@pytest.fixture(scope="session")
def other_catalogue(tmp_path_factory):
    """Kaggle's small layout with six products that training never saw."""
    folder = tmp_path_factory.mktemp("other")
    (folder / "images").mkdir()
    rows = ["id,gender,articleType,baseColour,productDisplayName"]
    for number, colour in enumerate(["Red", "Blue", "Green", "Black", "White", "Grey"]):
        rows.append(f"{100 + number},Men,Shirts,{colour},Acme Men {colour} Shirt")
        photo = np.full((64, 48, 3), 40 * number, np.uint8)
        cv2.imwrite(str(folder / "images" / f"{100 + number}.jpg"), photo)
    (folder / "styles.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "q.tsv").write_text("q1\tred shirt\nq2\tblue shirt\n", encoding="utf-8")
    (folder / "q.qrels").write_text("q1 0 100 1\nq2 0 101 1\n", encoding="utf-8")
    return folder
