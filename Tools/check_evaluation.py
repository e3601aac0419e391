"""Recomputes PSNR, MSE and SSIM of `nti evaluate` from the pictures it wrote, as PIE-Bench's evaluator does.

    pip install numpy pillow torch torchmetrics
    nti evaluate BENCH -o OUT
    python Tools/check_evaluation.py BENCH OUT

As in the evaluator, a picture that is not square is a row of panels of which the last is the edit, both
pictures are black in the region to edit and at the outermost pixels, and the metrics are those of torchmetrics.
Only pictures that need no resizing are supported.
"""

import argparse
import csv
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

TOLERANCE = 1e-5


def pixels(path):
    picture = Image.open(path).convert("RGB")
    side = picture.height
    picture = picture.crop((picture.width - side, 0, picture.width, side))
    return torch.tensor(np.asarray(picture, dtype=np.float64) / 255).permute(2, 0, 1)[None]


def kept(runs, height, width):
    edited = np.zeros(height * width)
    for start, length in zip(runs[0::2], runs[1::2]):
        edited[start : start + length] = 1
    edited = edited.reshape(height, width)
    edited[[0, -1], :] = 1
    edited[:, [0, -1]] = 1
    return torch.tensor(1 - edited)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    records = json.loads((options.bench / "mapping_file.json").read_text())
    worst = 0.0
    count = 0
    with open(options.out / "evaluation_result.csv", newline="") as file:
        for row in csv.DictReader(file):
            record = records[row["file_id"]]
            source = pixels(options.bench / "annotation_images" / record["image_path"])
            outside = kept(record["mask"], *source.shape[2:])
            for label in sorted({name.split("|")[0] for name in row if "|" in name}):
                written = [row[f"{label}|{name}"] for name in ("psnr_unedit_part", "mse_unedit_part", "ssim_unedit_part")]
                if not outside.any():
                    assert written == ["nan"] * 3, f"{row['file_id']}: nothing is outside, but the metrics are {written}"
                    continue
                if written == ["nan"] * 3:  # another method's record
                    continue
                edit = pixels(options.out / label / "annotation_images" / record["image_path"])
                a, b = source * outside, edit * outside
                expected = {
                    "psnr_unedit_part": peak_signal_noise_ratio(b, a, data_range=1.0),
                    "mse_unedit_part": torch.mean((a - b) ** 2),
                    "ssim_unedit_part": structural_similarity_index_measure(b, a, data_range=1.0),
                }
                for name, value in expected.items():
                    worst = max(worst, abs(float(row[f"{label}|{name}"]) - value.item()))
                    count += 1
    print(f"{count} numbers, largest difference {worst:.1e}")
    raise SystemExit(count == 0 or worst > TOLERANCE)


if __name__ == "__main__":
    main()
