"""Writes the safetensors files of the reader's and the writer's tests with the safetensors library.

    pip install -r Tools/requirements.txt
    python Tools/write_weight_fixtures.py --out Tests/Fixtures/weights
"""

import argparse
import json
import math
import pathlib
import struct

import torch
from safetensors.torch import save_file

HALVES = [0.0, -0.0, 1.0, -1.5, 65504.0, 2.0**-14, 2.0**-24, 1023 * 2.0**-24, math.inf, -math.inf, 1 / 3, 0.1]


def kinds():
    """Returns a tensor of each type, with the same numbers as far as the type can represent them."""
    numbers = torch.tensor(HALVES, dtype=torch.float64).reshape(3, 4)
    return {
        "double": numbers.to(torch.float64), "single": numbers.to(torch.float32),
        "half": numbers.to(torch.float16), "brain": numbers.to(torch.bfloat16),
        "long": torch.tensor([[-(2**40), 7], [0, 2**62]]), "int": torch.tensor([-5, 0, 2**31 - 1], dtype=torch.int32),
        "byte": torch.arange(5, dtype=torch.uint8), "flag": torch.tensor([True, False]),
        "eight": torch.tensor([0.5, -2.0]).to(torch.float8_e4m3fn),
        "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "block.0.weight": torch.arange(6.0).reshape(1, 2, 3),
    }


def unaligned(path):
    """Writes a file like those of early writers: its header has an odd length, so no tensor is aligned to four bytes."""
    single, half = struct.pack("<3f", 1.5, -2.25, 1e-30), struct.pack("<2e", 0.5, -3.0)
    header = json.dumps({
        "a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]},
        "b": {"dtype": "F16", "shape": [2, 1], "data_offsets": [12, 16]},
    }).encode()
    header += b" " * (1 - len(header) % 2)
    assert len(header) % 2 == 1
    path.write_bytes(struct.pack("<Q", len(header)) + header + single + half)


def written(path):
    """Writes the file that the writer's test must reproduce byte for byte."""
    save_file({
        "b.weight": torch.arange(6.0).reshape(2, 3) / 4, "a": torch.tensor([1e-3, -7.0, 3.0]), "c": torch.tensor(5.0),
    }, path, metadata={"caption": "a \"cat\" \\ dog\n\tcafé 猫\u0001"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    tensors = kinds()
    save_file(tensors, out / "kinds.safetensors", metadata={"format": "pt", "note": "ünïcode ✓"})
    values = {n: t.to(torch.float32).double().flatten().tolist() for n, t in tensors.items() if t.is_floating_point()}
    values |= {n: t.flatten().tolist() for n, t in tensors.items() if n in ("long", "int")}
    # JSON has no infinities.
    finite = {n: [x if math.isfinite(x) else str(x) for x in v] for n, v in values.items()}
    (out / "kinds.json").write_text(json.dumps(finite, indent=1) + "\n")
    unaligned(out / "unaligned.safetensors")
    written(out / "written.safetensors")


if __name__ == "__main__":
    main()
