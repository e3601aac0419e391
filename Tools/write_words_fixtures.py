"""Writes the golden values for words, attention edits and local blend with PyTorch and transformers.

    pip install -r Tools/requirements.txt
    python Tools/write_words_fixtures.py

It reads the demo model's tokenizer and writes Tests/Fixtures/words/: `prompts.json` (tokens and the range of
the text that each came from, in Unicode scalars; for plain texts also the positions of each word's tokens,
found as in the published code by adding up the lengths of decoded tokens), `edits.json` (cross-attention before
and after an edit), `blends.json` (masks of local blend) and `proximal.json` (proximal guidance). Attention
and predictions are not stored but generated from a seed: see `Noise`.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from transformers import CLIPTokenizerFast

from reference.words import LENGTH, Prompt, cross_table, emphasis, refinement_map, replacement_map

ROOT = pathlib.Path(__file__).resolve().parent.parent

PLAIN = [
    "a cat sitting next to a mirror",
    "a silver cat sculpture sitting next to a mirror",
    "an octopus next to a watermelon under water",
    "a cat, a dog and another cat",
    "the cat chases the cat",
    "a black-and-white photo of a donut",
    "hello",
    "unbelievably purple hamburgers!",
]

UNUSUAL = [
    "",
    "   ",
    "a cat  on   grass ",
    "\ta cat\non grass",
    "a café in Kraków",
    "a cafe\u0301 in winter",
    "a 🐱 next to a 🐶🐶 on grass",
    "A Cat, and (another) CAT.",
    "a cat 👩‍🚀 & a dog - 'asleep'",
    "一只猫 on grass",
]


class Noise:
    """Numbers in [0, 1) that any language can reproduce exactly: x' = 1664525 x + 1013904223 mod 2^32, the upper
    24 bits."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self, *shape):
        values = np.empty(int(np.prod(shape)), np.float32)
        for i in range(values.size):
            self.state = (1664525 * self.state + 1013904223) % 2**32
            values[i] = np.float32(self.state >> 8) / np.float32(2**24)
        return torch.from_numpy(values.reshape(shape))


def published_positions(text, ids, tokenizer):
    """Returns the tokens of each word, from the lengths of the decoded tokens."""
    words = text.split(" ")
    positions = [[] for _ in words]
    word = length = 0
    for token, number in enumerate(ids[1:-1], start=1):
        positions[word].append(token)
        length += len(tokenizer.decode([number]).strip("#").strip())
        if length >= len(words[word]):
            word, length = word + 1, 0
    return [[w, p] for w, p in zip(words, positions)]


def coded(text, tokenizer):
    found = tokenizer(text, return_offsets_mapping=True)
    return {"text": text, "ids": found["input_ids"], "ranges": [list(r) for r in found["offset_mapping"]]}


def prompts(tokenizer):
    plain = [coded(text, tokenizer) for text in PLAIN]
    for record in plain:
        record["words"] = published_positions(record["text"], record["ids"], tokenizer)
    return {"plain": plain, "unusual": [coded(text, tokenizer) for text in UNUSUAL]}


EDITS = [  # source, target, mode, step of 10, window, windows of words, emphasis
    ("a cat on grass", "a dog on grass", "replace", 0, 0.8, {}, {}),
    ("a cat in snow", "an octopus in snow", "replace", 0, 0.8, {}, {}),
    ("an octopus at night", "a cat at night", "replace", 3, 0.8, {}, {"night": 2.0}),
    ("a cat on grass", "a dog on grass", "replace", 8, 0.8, {"dog": 1.0}, {"dog": -1.5, "on": 0.0}),
    ("a cat on grass", "a dog on grass", "replace", 9, 0.8, {}, {"dog": 2.0}),
    ("a cat on grass", "a red cat next to an octopus on grass", "refine", 2, 0.8, {}, {}),
    ("a cat on grass", "a red cat next to an octopus on grass", "refine", 2, 0.8, {"cat": [0.5, 1.0]}, {"red": 3.0}),
    ("a red cat on grass", "a cat", "refine", 2, 1.0, {}, {"cat": 0.5}),
]


def edits(tokenizer):
    records = []
    for seed, (source_text, target_text, mode, step, window, words, weights) in enumerate(EDITS, start=1):
        source, target = Prompt(source_text, tokenizer), Prompt(target_text, tokenizer)
        noise = Noise(seed)
        base, own = noise(1, 2, LENGTH), noise(1, 2, LENGTH)
        if mode == "replace":
            taken = torch.einsum("hps,st->hpt", base, replacement_map(source, target))
        else:
            mapping, kept = refinement_map(source, target)
            kept = torch.tensor(kept, dtype=torch.float32)
            taken = base[:, :, mapping] * kept + own * (1 - kept)
        alpha = cross_table(target, 10, window, words)[step]
        result = taken * emphasis(target, weights) * alpha + own * (1 - alpha)
        records.append(
            {
                "source": coded(source_text, tokenizer),
                "target": coded(target_text, tokenizer),
                "mode": mode,
                "step": step,
                "window": window,
                "wordWindows": [{"word": w, "window": v} for w, v in words.items()],
                "emphasis": [{"word": w, "weight": v} for w, v in weights.items()],
                "seed": seed,
                "result": [float(np.float32(x)) for x in result.flatten()],
            }
        )
    return records


BLENDS = [  # grid, latent, heads of each layer, steps, tokens of source, target, subtracted source, target, thresholds
    ((8, 8), (32, 32), [2, 2], 1, [2], [2], [], [], 0.7, 0.3),
    ((8, 8), (32, 32), [2, 1, 2], 3, [2, 3], [2, 5], [], [], 0.8, 0.3),
    ((4, 4), (16, 16), [1], 2, [2], [3], [4], [], 0.6, 0.5),
    ((4, 4), (16, 16), [1], 2, [2], [3], [4], [4, 6], 0.5, 0.6),
    ((4, 6), (16, 24), [2, 1], 2, [2], [2], [], [5], 0.7, 0.6),
    ((5, 3), (18, 11), [1], 1, [2], [3], [5], [5], 0.5, 0.5),
    ((7, 5), (26, 20), [1], 1, [1], [2], [], [], 0.9, 0.3),
    ((1, 8), (2, 31), [1], 1, [1], [1], [], [], 0.95, 0.3),
    ((8, 8), (16, 16), [2], 2, [3], [], [], [], 0.8, 0.3),
    ((8, 8), (16, 16), [2], 2, [], [3], [], [2], 0.8, 0.6),
]


def peaked(x):
    """Returns the eighth power, by squaring: few values are large, as in real maps."""
    for _ in range(3):
        x = x * x
    return x


def blends():
    tokens_read = 8  # enough for this test, instead of 77
    records = []
    for seed, (grid, latent, heads, steps, source, target, less_source, less_target, high, low) in enumerate(
        BLENDS, start=101
    ):
        noise = Noise(seed)
        sums = [0 for _ in heads]
        for _ in range(steps):
            for layer, count in enumerate(heads):
                sums[layer] = sums[layer] + peaked(noise(2, count, grid[0] * grid[1], tokens_read))
        maps = torch.cat([m.reshape(2, -1, *grid, tokens_read) for m in sums], 1)

        def marks(source, target, threshold, pooled):
            wanted = torch.zeros(2, tokens_read)
            wanted[0, source] = 1
            wanted[1, target] = 1
            m = (maps * wanted[:, None, None, None]).sum(-1).mean(1, keepdim=True)
            if pooled:
                m = F.max_pool2d(m, 3, 1, 1)
            m = F.interpolate(m, size=latent)
            m = m / m.amax((2, 3), keepdim=True)
            close = (m - threshold).abs().min()
            assert not close < 1e-5, "a value is too close to the threshold"
            above = m.gt(threshold)
            return (above[0] | above[1])[0]

        mask = marks(source, target, high, True)
        if less_source or less_target:
            mask = mask & ~marks(less_source, less_target, low, False)
        assert 0.1 < mask.float().mean() < 0.9, f"mask {seed} is not informative: its mean is {mask.float().mean()}"
        records.append(
            {
                "grid": grid,
                "latent": latent,
                "heads": heads,
                "steps": steps,
                "tokens": tokens_read,
                "words": [source, target],
                "subtracted": [less_source, less_target],
                "threshold": high,
                "subtractThreshold": low,
                "seed": seed,
                "mask": ["".join(str(int(x)) for x in row) for row in mask],
            }
        )
    return records


PROXIMAL = [  # shape of the latent, quantile, shrinkage, guidance, dilation, pull-back
    ((5, 7, 4), 0.7, "soft", 7.5, 1, 1.0),
    ((6, 4, 3), 0.7, "hard", 3.0, 0, 0.5),
    ((8, 8, 2), 0.9, "hard", 7.5, 1, 1.0),
    ((8, 8, 2), 0.6, "soft", 2.0, 2, 0.1),
    ((3, 9, 1), 0.0, "soft", 5.0, 0, 1.0),
    ((3, 9, 1), 1.0, "hard", 5.0, 0, 0.7),
]


def proximal():
    shrink = {"soft": F.softshrink, "hard": F.hardshrink}
    records = []
    for seed, (shape, part, shrinkage, guidance, dilation, rate) in enumerate(PROXIMAL, start=201):
        noise = Noise(seed)
        # Cubed, so that few differences are large; channels first, as in PyTorch.
        null, text, latent, pivot = ((2 * noise(*shape) - 1).pow(3).permute(2, 0, 1) for _ in range(4))
        difference = text - null
        threshold = difference.abs().quantile(part)
        kept = shrink[shrinkage](difference, float(threshold))
        changes = (kept.abs() > threshold).float()
        if dilation:
            changes = F.max_pool2d(changes[None], 2 * dilation + 1, 1, dilation)[0]
        moved = latent - rate * (latent - pivot) * (1 - changes)

        def listed(t):
            return [float(np.float32(x)) for x in t.permute(1, 2, 0).flatten()]

        records.append(
            {
                "shape": shape,
                "quantile": part,
                "shrinkage": shrinkage,
                "guidance": guidance,
                "dilation": dilation,
                "pullBack": rate,
                "seed": seed,
                "prediction": listed(null + guidance * kept),
                "latent": listed(moved),
            }
        )
    return records


def enlargements():
    """Returns PyTorch's nearest neighbors when enlarging up to 9 elements to up to 40."""
    found = []
    for count in range(1, 10):
        for size in range(count, 41):
            line = F.interpolate(torch.arange(count, dtype=torch.float32)[None, None], size=size)
            found.append([count, size, "".join(str(int(x)) for x in line.flatten())])
    return found


def write(name, value, lines=False):
    folder = ROOT / "Tests" / "Fixtures" / "words"
    folder.mkdir(parents=True, exist_ok=True)
    body = json.dumps(value, ensure_ascii=True)
    if lines:  # one record per line
        body = "[\n" + ",\n".join(json.dumps(record) for record in value) + "\n]"
    (folder / name).write_text(body + "\n")


def main():
    tokenizer = CLIPTokenizerFast.from_pretrained(ROOT / "Sources" / "EmojiScenes" / "Resources" / "tokenizer")
    write("prompts.json", prompts(tokenizer))
    write("edits.json", edits(tokenizer), lines=True)
    write("blends.json", blends(), lines=True)
    write("proximal.json", proximal(), lines=True)
    write("enlargements.json", enlargements())


if __name__ == "__main__":
    main()
