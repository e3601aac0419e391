"""mappers.json: word positions, replacement and refinement maps, emphasis and windows, with the demo tokenizer."""

import json

from reference.words import Prompt, cross_table, emphasis, refinement_map, replacement_map

PAIRS = [
    # the same number of tokens in both prompts
    ("a cat on grass", "a dog on grass"),
    ("a big cat next to a red dog on sand", "a small owl next to a pink fox on sand"),
    ("a donut on grass", "a hamburger on grass"),
    ("a tiger on grass", "a tiger on grass"),
    ("a cat next to a cat on sand", "a cat next to a dog on sand"),
    # one token more or fewer: in the middle, at the end, twice, in opposite directions
    ("a cat in snow", "a donut in snow"),
    ("a donut in snow", "a cat in snow"),
    ("a cat in snow", "an octopus in snow"),
    ("an octopus on blue checks", "a cat on blue checks"),
    ("an octopus at night", "a watermelon at night"),
    ("a sunflower at sunset", "an octopus at sunset"),
    ("a cat next to a donut on sand", "a donut next to a cat on sand"),
    ("a cat next to a dog on red checks", "an octopus next to a donut on red dots"),
    ("an octopus next to a watermelon under water", "a lion next to an apple under water"),
    ("a small cat on purple dots", "a small cat on purple checks"),
    # words added, removed, moved, repeated
    ("a cat on grass", "a red cat next to an octopus on grass"),
    ("a red watermelon on blue stripes", "a sketch of a red watermelon on blue stripes"),
    ("a donut next to a panda on a white background", "a donut on a white background"),
    ("a small lemon on green stripes", "a small green lemon on green stripes"),
    ("a dog next to a cat", "a cat next to a dog"),
    ("a a cat", "a cat"),
    ("a cat a", "cat a a"),
    ("a black and white photo of a big pizza", "a pizza"),
    ("a pizza", "a black and white photo of a big pizza"),
    ("a cat, a dog on grass", "a cat, a tiger on grass"),
]

EMPHASES = [
    ("a big red cat next to an octopus", {"red": 2.0}),
    ("a big red cat next to an octopus", {"octopus": -1.0, "big": 0.5}),
    ("a cat next to a cat on sand", {"cat": 3.0}),
    ("a donut on purple dots", {"donut": 0.0, "dots": 5.0}),
]

WINDOWS = [  # prompt, steps, default, words
    ("a dog on grass", 50, 0.8, {}),
    ("a dog on grass", 50, 0.2, {}),
    ("a dog on grass", 50, 0.7, {}),
    ("a dog on grass", 50, 1.0, {"dog": 0.4}),
    ("a dog on grass", 50, 0.0, {"dog": (0.2, 0.6)}),
    ("an octopus next to a donut in snow", 50, (0.1, 0.9), {"octopus": 0.3, "donut": (0.5, 1.0), "in": 0.0}),
    ("an octopus next to a donut in snow", 10, 0.8, {"octopus": 0.3}),
    ("a cat next to a cat", 30, 0.4, {"cat": (0.6, 0.7)}),
    ("a dog on grass", 8, 0.5, {"grass": 1.0}),
]


def entries(matrix):
    return [[r, c, round(float(matrix[r, c]), 9)] for r, c in matrix.nonzero().tolist()]


def describe(text, tokenizer):
    prompt = Prompt(text, tokenizer)
    return {
        "text": text,
        "ids": prompt.ids,
        "words": [[word, tokens] for word, tokens in zip(prompt.words, prompt.positions)],
    }


def steps_of_columns(table):
    """Returns for each token the first step and the step after the last one of its window, [0, 0] without a
    window."""
    ranges = []
    for column in table.T:
        on = column.nonzero().flatten().tolist()
        assert on == list(range(on[0], on[-1] + 1)) if on else True
        ranges.append([on[0], on[-1] + 1] if on else [0, 0])
    return ranges


def write(model, path):
    tokenizer = model.tokenizer
    pairs = []
    for source_text, target_text in PAIRS:
        source, target = Prompt(source_text, tokenizer), Prompt(target_text, tokenizer)
        mapping, kept = refinement_map(source, target)
        same = len(source.words) == len(target.words)
        pairs.append(
            {
                "source": describe(source_text, tokenizer),
                "target": describe(target_text, tokenizer),
                "refinement": {"map": mapping, "kept": kept},
                "replacement": entries(replacement_map(source, target)) if same else None,
            }
        )
    emphases = [
        {
            "target": describe(text, tokenizer),
            "weights": weights,
            "factors": emphasis(Prompt(text, tokenizer), weights).tolist(),
        }
        for text, weights in EMPHASES
    ]
    windows = []
    for text, steps, default, words in WINDOWS:
        table = cross_table(Prompt(text, tokenizer), steps, default, words)
        windows.append(
            {
                "target": describe(text, tokenizer),
                "steps": steps,
                "default": default,
                "words": words,
                "ranges": steps_of_columns(table),
            }
        )
    with open(path, "w") as file:
        # one record per line, for readable diffs
        sections = {"pairs": pairs, "emphases": emphases, "windows": windows}
        body = ",\n".join(
            f'"{name}": [\n' + ",\n".join(json.dumps(r) for r in records) + "\n]" for name, records in sections.items()
        )
        file.write("{\n" + body + "\n}\n")
