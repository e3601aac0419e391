"""Writes the golden values of the tests with PyTorch, diffusers and transformers.

    pip install -r Tools/requirements.txt
    python Tools/write_golden.py --model Sources/EmojiScenes/Resources --out Tests/Fixtures/golden

`--only mappers` and so on writes some of the files only. Tests/Fixtures/README.md says what is in them.
"""

import argparse
import pathlib

import torch

from golden import mappers
from reference.model import Model

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="the demo model, in diffusers layout")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="+", choices=["mappers"])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = options.only or ["mappers"]
    if "mappers" in wanted:
        mappers.write(Model(options.model), options.out / "mappers.json")


if __name__ == "__main__":
    main()
