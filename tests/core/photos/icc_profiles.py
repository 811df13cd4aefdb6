"""ICC profiles made from their definition (ICC.1:2001-04), and what a colour becomes."""

import struct

import numpy as np

# Columns are the colorants' XYZ under D50. Adobe RGB (1998), annex; IEC 61966-2-1, adapted.
ADOBE = np.array(
    [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
GAMMA = 2 + 51 / 256
_D50 = (0.9642, 1.0, 0.8249)


def _fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))


def rgb_profile(colorants: np.ndarray, gamma: float = GAMMA) -> bytes:
    """A profile of three colorants, [3, 3] as above, and a gamma."""
    columns = zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants.T)
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*column) for name, column in columns}
    tags |= {name: _curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"RGB ", tags)


def grey_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"test\0"
    tags = tags | {
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(*_D50),
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79),
        b"cprt": b"text\0\0\0\0" + text,
    }
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content
    body = struct.pack(">I", len(tags)) + table + data
    head = struct.pack(
        ">I4xI4s4s4s12x4s", 128 + len(body), 0x02100000, b"mntr", space, b"XYZ ", b"acsp"
    )
    return head.ljust(68, b"\0") + _fixed(*_D50).ljust(60, b"\0") + body


def to_srgb(colours: np.ndarray, colorants: np.ndarray, gamma: float = GAMMA) -> np.ndarray:
    """The sRGB levels, float [..., 3], of uint8 levels [..., 3] of another space."""
    linear = (colours / 255.0) ** gamma @ (np.linalg.inv(SRGB) @ colorants).T
    linear = np.clip(linear, 0, 1)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    return 255 * encoded
