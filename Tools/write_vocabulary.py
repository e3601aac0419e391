"""Writes the compressed merges of CLIP's vocabulary for single-file checkpoints.

    pip install --no-deps open_clip_torch
    python Tools/write_vocabulary.py --out Sources/CLIPVocabulary/Resources

All Stable Diffusion 1 and 2 models use the same 49408 tokens: 256 bytes, the same bytes at the end of a word,
48894 merges, and a start and an end token. The published file lists more merges than CLIP uses.
"""

import argparse
import gzip
import importlib.util
import pathlib

MERGES = 49408 - 2 * 256 - 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    package = pathlib.Path(importlib.util.find_spec("open_clip").origin).parent
    lines = gzip.decompress((package / "bpe_simple_vocab_16e6.txt.gz").read_bytes()).decode().split("\n")
    merges = lines[1 : MERGES + 1]
    assert merges[0] == "i n" and all(len(merge.split(" ")) == 2 for merge in merges)
    text = "#version: 0.2\n" + "\n".join(merges) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    # Without name and time, so that the same merges give the same bytes.
    (out / "merges.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
