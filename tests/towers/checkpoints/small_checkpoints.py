"""The committed checkpoints, which two libraries wrote, and ways to spoil them."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fitrank_tf.towers.tokenise import tokenise
from fitrank_tf.towers.towers import Towers

FOLDER = Path(__file__).resolve().parent / "checkpoints"
KINDS = ("huggingface", "open_clip")
CONFIGS = {"huggingface": "config.json", "open_clip": "open_clip_config.json"}
WEIGHTS = {"huggingface": "model.safetensors", "open_clip": "open_clip_model.safetensors"}
CONTEXT = 24

# What both libraries and `tokenise` must read the same way.
PLAIN_TEXTS = [
    "",
    " ",
    "red check shirt",
    "Women Navy Blue Kurta",
    "BLACK CASUAL SHOES",
    "  two   blanks\tand a tab \n and lines ",
    "men's women’s girl's it's we're I've I'm he'll they'd",
    "size 42, 3/4 sleeve, 100% cotton",
    "1234567890",
    "t-shirt (pack of 2) #1!",
    "!!!???...",
    "a",
    "é",
    "Café crème à la carte",
    "cafe\u0301 cre\u0300me",
    "Übergrößen für Männer",
    "ñandú piñata",
    "ÀÉÎÕÜ ÇÑ",
    "İstanbul ıspanak",
    "шерстяное платье",
    "ΜΠΛΕ φουστάνι",
    "לבוש שחור",
    "قميص أحمر",
    "लाल कुर्ता",
    "红色 衬衫",
    "赤いシャツ",
    "빨간 셔츠",
    "เสื้อสีแดง",
    "👗",
    "👗👠 red dress 💃🏽",
    "👨\u200d👩\u200d👧 family tee",
    "🇮🇳 saree",
    "price ₹1,299 or €15",
    "50°C wash",
    "½ sleeve x² ⅔",
    "№ 5",
    "non\u00a0breaking space",
    "thin\u2009space",
    "zero\u200bwidth",
    "soft\u00adhyphen",
    "dash – and — dashes",
    "ellipsis…",
    "«guillemets»",
    "under_score snake_case_name",
    "e-mail a.b+c@d",
    "path/to\\file",
    "tab\tseparated\tvalues",
    "{curly} [square] <angle>",
    "red|blue|green",
    "rock'n'roll 'quoted' \"double\"",
    "''''s",
    "'S 'T 'RE 'LL",
    "a'b'c",
    "ab12cd34",
    "x" * 60,
    "word " * 40,
    "navy blue " * 30,
    "supercalifragilisticexpialidocious",
    "Aldora Men Navy Blue Striped Polo Collar Half Sleeve Casual T-shirt",
    "Vesper & Co. Women Multi-Coloured Printed Kurta",
    "Fenwick Sons Boys 3/4 Sleeve Sweatshirt",
    "ẞ ß ﬀ",
    "𝓯𝓪𝓷𝓬𝔂 dress",
]
# open_clip mends these first (ftfy), and resolves HTML entities; nothing else does.
MENDED = ("’", "ﬀ")
TEXTS = {
    "huggingface": PLAIN_TEXTS + ["jeans &amp; jacket", "caf\u00c3\u00a9", "ｗｉｄｅ"],
    "open_clip": [t for t in PLAIN_TEXTS if not any(mended in t for mended in MENDED)],
}


def copy_checkpoint(kind: str, folder: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(FOLDER / kind, folder / kind))


def photos(size: int) -> np.ndarray:
    """uint8 [3, size, size, 3], always the same."""
    return np.random.default_rng(5).integers(0, 256, (3, size, size, 3), np.uint8)


def up_to_end(ids: np.ndarray, end: int) -> list[list[int]]:
    """Rows without their padding, which is another one in each library."""
    return [row[: row.index(end) + 1] for row in np.asarray(ids).tolist()]


def embed_texts(towers: Towers, texts: list[str]) -> np.ndarray:
    """Unit embeddings, as FitRank tokenises."""
    ids = tokenise(towers.tokenizer, texts, towers.context_length)
    return np.asarray(towers.encode_tokens(ids))


# A tensor as a safetensors file has it: dtype, shape, bytes.
RawTensor = tuple[str, list[int], bytes]


def read_raw(path: Path) -> dict[str, RawTensor]:
    """The tensors of a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        tensors[name] = (entry["dtype"], entry["shape"], data[begin:end])
    return tensors


def write_raw(path: Path, tensors: dict[str, RawTensor]) -> None:
    """A safetensors file, at odd addresses as the format allows."""
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def change_tensors(path: Path, change: Callable[[dict[str, RawTensor]], None]) -> None:
    """Writes a file anew after a change of its tensors."""
    tensors = read_raw(path)
    change(tensors)
    write_raw(path, tensors)


def change_json(path: Path, place: str, value: object) -> None:
    """Sets a field, "a.b" for field b of the object a."""
    config = json.loads(path.read_text(encoding="utf-8"))
    *parents, name = place.split(".")
    fields = config
    for parent in parents:
        fields = fields[parent]
    fields[name] = value
    path.write_text(json.dumps(config), encoding="utf-8")


def whole_numbers(count: int, first: int = 0) -> RawTensor:
    """A tensor [1, count] of numbers that count up, such as position_ids."""
    return "I64", [1, count], np.arange(first, first + count).tobytes()


def zeros(*shape: int) -> RawTensor:
    """A float32 tensor of zeros."""
    return "F32", list(shape), bytes(4 * math.prod(shape))
