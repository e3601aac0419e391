"""Writes a set of edits of emoji scenes with known results, in the format of PIE-Bench.

    python Tools/training/make_benchmark.py OUT COUNT SEED

OUT/mapping_file.json, OUT/annotation_images/<id>.png (source), OUT/answers/<id>.png (ground truth). Each
record has PIE-Bench's fields (original_prompt, editing_prompt, blended_word, editing_type_id, mask as run
lengths of the region to edit in a row-major 128x128 raster) plus `answer`, the picture of the edited scene.
"""

import dataclasses
import json
import os
import random
import sys

import numpy as np
from PIL import Image

from scenes import OBJECTS, PLACES, STYLES, TINTS, Thing, caption, render, sample

KINDS = {
    1: "change object", 2: "add object", 3: "delete object", 6: "change colour", 8: "change background",
    9: "change style",
}


def with_first(scene, **changes):
    """Returns the scene with its first object changed."""
    return dataclasses.replace(scene, things=(dataclasses.replace(scene.things[0], **changes),) + scene.things[1:])


def one_and_two(scene, rng):
    """Returns the scene with one object at the left, and with a second one next to it."""
    left = dataclasses.replace(scene.things[0], x=34.0, size=54.0, word_size="")
    name = rng.choice([o for o in OBJECTS if o != left.name])
    right = Thing(name, 94.0, rng.uniform(58, 74), 54.0, rng.uniform(-12, 12))
    return dataclasses.replace(scene, things=(left,)), dataclasses.replace(scene, things=(left, right))


def edit(kind, scene, rng):
    """Returns the scenes before and after the edit, and the pair of words for blending."""
    thing = scene.things[0]
    if kind == 1:
        name = rng.choice([o for o in OBJECTS if o not in [t.name for t in scene.things]])
        return scene, with_first(scene, name=name), f"{thing.name} {name}"
    if kind == 2:
        return *one_and_two(scene, rng), ""
    if kind == 3:
        return *one_and_two(scene, rng)[::-1], ""
    if kind == 6:
        tint = rng.choice([t for t in TINTS if t != thing.tint])
        return scene, with_first(scene, tint=tint), f"{thing.name} {thing.name}"
    if kind == 8:
        place = rng.choice([p for p in PLACES if p != scene.background])
        return scene, dataclasses.replace(scene, background=place), ""
    style = rng.choice([s for s in STYLES if s and s != scene.style])
    return scene, dataclasses.replace(scene, style=style), ""


def runs(mask):
    """Returns the start and length of each run of a mask."""
    padded = np.concatenate([[0], mask.ravel().astype(np.int8), [0]])
    change = np.diff(padded)
    starts, ends = np.where(change == 1)[0], np.where(change == -1)[0]
    return [int(v) for start, end in zip(starts, ends) for v in (start, end - start)]


def main(out, count, seed):
    rng = random.Random(seed)
    os.makedirs(out + "/annotation_images", exist_ok=True)
    os.makedirs(out + "/answers", exist_ok=True)
    records = {}
    for i in range(count):
        kind = list(KINDS)[i % len(KINDS)]
        scene = sample(rng)
        while scene.style:
            scene = sample(rng)
        if kind in (1, 6) and len(scene.things) == 1 and scene.things[0].size < 44:
            scene = with_first(scene, size=64.0, word_size="")
        if kind in (2, 3):
            scene = dataclasses.replace(scene, things=scene.things[:1])
        before, after, blended = edit(kind, scene, rng)
        source, answer = (np.asarray(render(s)).astype(int) for s in (before, after))
        name = f"{kind}{i:011d}"
        Image.fromarray(source.astype(np.uint8)).save(f"{out}/annotation_images/{name}.png")
        Image.fromarray(answer.astype(np.uint8)).save(f"{out}/answers/{name}.png")
        records[name] = dict(
            image_path=f"{name}.png",
            answer=f"answers/{name}.png",
            original_prompt=caption(before),
            editing_prompt=caption(after),
            editing_instruction=KINDS[kind],
            editing_type_id=str(kind),
            blended_word=blended,
            mask=runs(np.abs(source - answer).max(-1) > 8),
        )
    with open(out + "/mapping_file.json", "w") as file:
        json.dump(records, file, indent=1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
