"""Writes the golden values of the evaluation tests with NumPy and torchmetrics.

    pip install -r Tools/requirements.txt torchmetrics
    python Tools/write_evaluation_fixtures.py --out Tests/Fixtures/evaluation

Run lengths are decoded as in PIE-Bench's paper and evaluator; the metrics are those of torchmetrics for
pictures that are black in the region to edit. Tests/Fixtures/README.md describes the files.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

WIDTH, HEIGHT = 40, 32


def decoded(runs, width, height):
    """Returns the raster of run lengths; a run ends at the end of the raster at the latest."""
    flat = np.zeros(width * height, dtype=bool)
    for start, length in zip(runs[0::2], runs[1::2]):
        flat[start : start + length] = True
    return flat.reshape(height, width)


def framed(mask):
    result = np.ones_like(mask)
    result[1:-1, 1:-1] = mask[1:-1, 1:-1]
    return result


def bits(mask):
    return ["".join("#" if value else "." for value in row) for row in mask]


def masks():
    cases = {
        "empty": ([], 7, 5),
        "all": ([0, 35], 7, 5),
        "two rows and over their ends": ([3, 6, 20, 2], 7, 5),
        "overlapping and touching": ([8, 4, 10, 5, 15, 1], 7, 5),
        "clipped at the end": ([30, 500], 7, 5),
        "begins beyond the end": ([8, 2, 35, 3, 400, 9], 7, 5),
        "no length": ([9, 0], 7, 5),
        "one row": ([1, 2], 6, 1),
    }
    return [
        {"name": name, "runs": runs, "width": width, "height": height, "mask": bits(mask), "framed": bits(framed(mask))}
        for name, (runs, width, height) in cases.items()
        for mask in [decoded(runs, width, height)]
    ]


def pictures(seed):
    """Returns a smooth picture, a noisy edit of it that differs in a box, and the ground truth."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / 32
    base = np.stack([np.sin(5 * x + 2 * c) * np.cos(4 * y - c) for c in range(3)], axis=-1) * 90 + 128
    edit = base + random.normal(0, 9, base.shape)
    edit[8:20, 10:26] = 255 - base[8:20, 10:26]
    answer = base.copy()
    answer[8:20, 10:26] = [200, 40, 90]
    return [np.clip(p, 0, 255).round().astype(np.uint8) for p in (base, edit, answer)]


def runs_of_box(top, bottom, left, right):
    return [n for row in range(top, bottom) for n in (row * WIDTH + left, right - left)]


def tensor(picture, kept):
    return torch.tensor(picture.astype(np.float64) / 255 * kept[..., None]).permute(2, 0, 1)[None]


def metrics(source, edit, answer, runs):
    region = decoded(runs, WIDTH, HEIGHT)
    kept = 1.0 - framed(region)
    a, b = tensor(source, kept), tensor(edit, kept)
    result = {
        "psnr_unedit_part": peak_signal_noise_ratio(b, a, data_range=1.0).item() if kept.any() else None,
        "mse_unedit_part": torch.nn.functional.mse_loss(a, b).item() if kept.any() else None,
        "ssim_unedit_part": structural_similarity_index_measure(b, a, data_range=1.0).item() if kept.any() else None,
    }
    squares = ((answer.astype(np.float64) - edit.astype(np.float64)) / 255) ** 2
    for name, part in [("inside", region), ("outside", ~region)]:
        error = squares[part].mean() if part.any() else None
        result[f"answer_mse_{name}"] = error
        result[f"answer_psnr_{name}"] = None if error is None else float(10 * np.log10(1 / error))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    source, edit, answer = pictures(seed=7)
    for name, picture in [("source", source), ("edit", edit), ("answer", answer)]:
        Image.fromarray(picture).save(out / f"{name}.png")
    regions = {
        "a box": runs_of_box(8, 20, 10, 26),
        "nothing": [],
        "the lower half": [WIDTH * HEIGHT // 2, 10**6],
        "everything": [0, WIDTH * HEIGHT],
    }
    measured = [{"name": n, "runs": r, "metrics": metrics(source, edit, answer, r)} for n, r in regions.items()]
    for name, value in [("masks", masks()), ("metrics", measured)]:
        (out / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
