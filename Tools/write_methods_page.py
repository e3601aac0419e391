"""Draws the edits of an evaluation side by side: a row per record, a column per method.

    python Tools/write_methods_page.py BENCH OUT page.jpg --labels direct,infEdit+p2p --records 8

BENCH is a benchmark with ground truth, OUT the folder that `nti evaluate` wrote. The page has the first
records, or those of `--ids`.
"""

import argparse
import json
import pathlib
import textwrap

from PIL import Image, ImageDraw, ImageFont

TILE, GAP, TITLE, PROMPT = 128, 6, 34, 30


def text(draw, place, words, width, size=12):
    """Draws words in at most two lines of `width` pixels."""
    font = ImageFont.load_default(size)
    lines = textwrap.wrap(words, max(8, int(width / (0.52 * size))))
    draw.multiline_text(place, "\n".join(lines[:2]), fill=(31, 41, 51), font=font, spacing=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--labels", required=True, help="folders in OUT, separated by commas; LABEL=TITLE sets a column's title")
    parser.add_argument("--records", type=int, default=8)
    parser.add_argument("--ids", help="records, separated by commas")
    arguments = parser.parse_args()

    records = json.loads((arguments.bench / "mapping_file.json").read_text())
    ids = arguments.ids.split(",") if arguments.ids else list(records)[: arguments.records]
    labels = [label.partition("=") for label in arguments.labels.split(",")]
    columns = [("photo", None), ("ground truth", None)] + [(title or label, label) for label, _, title in labels]
    width = GAP + len(columns) * (TILE + GAP)
    page = Image.new("RGB", (width, TITLE + len(ids) * (PROMPT + TILE + GAP)), "white")
    draw = ImageDraw.Draw(page)
    for column, (title, _) in enumerate(columns):
        text(draw, (GAP + column * (TILE + GAP), 4), title, TILE)
    for row, id in enumerate(ids):
        record, top = records[id], TITLE + row * (PROMPT + TILE + GAP)
        text(draw, (GAP, top + 8), f"{record['original_prompt']}  ->  {record['editing_prompt']}", width, 13)
        paths = [arguments.bench / "annotation_images" / record["image_path"], arguments.bench / record["answer"]]
        paths += [arguments.out / label / "annotation_images" / record["image_path"] for _, label in columns[2:]]
        for column, path in enumerate(paths):
            tile = Image.open(path).convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)
            page.paste(tile, (GAP + column * (TILE + GAP), top + PROMPT))
    page.save(arguments.page, optimize=True, quality=90)


if __name__ == "__main__":
    main()
