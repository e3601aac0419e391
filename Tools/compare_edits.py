"""Edits stored inversions with the PyTorch reference, and compares the edits of both programs with the expected
results.

    pip install -r Tools/requirements.txt
    nti evaluate BENCH -o OUT --inversions KEPT --recipe plain.json --no-blend --emphasis 1 --label plain ...
    python Tools/compare_edits.py --model MODEL --bench BENCH --inversions KEPT --edits OUT/plain

`plain.json` may set `guidance`, `crossSteps` and `selfSteps`; the controller is chosen automatically. The
published method samples the source again at the edit's guidance, whereas nti uses the inversion's trajectory.
`--limit` selects the first records. It prints the mean errors inside and outside the regions to edit, in dB.
"""

import argparse
import json
import math
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from reference.control import Edit, sample  # noqa: E402
from reference.inversion import Inversion  # noqa: E402
from reference.model import Model  # noqa: E402


def kept(path, caption, guidance):
    """Returns an inversion file of nti as the reference's type."""
    arrays = load_file(path)
    pivots, null = ([x[None] for x in arrays[name]] for name in ("pivots", "null_embeddings"))
    return Inversion(caption, guidance, pivots, null)


def region(runs, height, width):
    inside = np.zeros(height * width, bool)
    for start, length in zip(runs[0::2], runs[1::2]):
        inside[start : start + length] = True
    return inside.reshape(height, width)


def errors(edit, answer, inside):
    square = ((edit.astype(float) - answer.astype(float)) / 255) ** 2
    return [-10 * math.log10(square[mask].mean()) if mask.any() else math.nan for mask in (inside, ~inside)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--bench", required=True, type=pathlib.Path)
    parser.add_argument("--inversions", required=True, type=pathlib.Path)
    parser.add_argument("--edits", required=True, type=pathlib.Path, help="the folder of a method in an evaluation")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = json.loads((options.edits / "settings.json").read_text())["options"]["edit"]
    model = Model(options.model)
    rows = []
    records = json.loads((options.bench / "mapping_file.json").read_text())
    for name, record in list(records.items())[: options.limit]:
        source, target = record["original_prompt"], record["editing_prompt"]
        controller = "replace" if len(source.split()) == len(target.split()) else "refine"
        edit = Edit(target, controller, cross=settings["crossSteps"], self=settings["selfSteps"])
        inversion = kept(options.inversions / f"{name}.nti", source, settings["guidance"])
        _, latent, _ = sample(model, inversion, edit)
        answer = np.asarray(Image.open(options.bench / record["answer"]).convert("RGB"))
        ours = np.asarray(Image.open(options.edits / "annotation_images" / record["image_path"]).convert("RGB"))
        inside = region(record["mask"], *answer.shape[:2])
        rows.append(errors(model.render(latent).numpy(), answer, inside) + errors(ours, answer, inside))
        print(name, " ".join(f"{x:.2f}" for x in rows[-1]), flush=True)
    means = np.nanmean(rows, axis=0)  # nan: nothing is outside a region that covers everything
    print(f"{len(rows)} records: reference inside {means[0]:.2f} outside {means[1]:.2f} dB, ", end="")
    print(f"program inside {means[2]:.2f} outside {means[3]:.2f} dB")


if __name__ == "__main__":
    main()
