"""Words and tokens: the tokens of a word, and the correspondence of tokens between two prompts."""

import torch

LENGTH = 77  # the number of tokens that a CLIP text encoder reads


class Prompt:
    """A text with its tokens. Position 0 is the start token; words are separated by single spaces."""

    def __init__(self, text, tokenizer):
        coded = tokenizer(text, return_offsets_mapping=True)
        self.text = text
        self.ids = coded["input_ids"]
        self.words = text.split(" ")
        if len(self.ids) > LENGTH:
            raise ValueError(f"'{text}' has {len(self.ids)} tokens, but only {LENGTH} are read")
        self.positions = []  # per word
        start = 0
        for word in self.words:
            end = start + len(word)
            inside = [i for i, (a, b) in enumerate(coded["offset_mapping"]) if a < b and start <= a and b <= end]
            self.positions.append(inside)
            start = end + 1

    def find(self, word):
        """Returns the positions of the tokens of every occurrence of `word`."""
        found = [p for w, tokens in zip(self.words, self.positions) if w == word for p in tokens]
        if not found:
            raise ValueError(f"'{word}' is not a word of '{self.text}'")
        return found


def replacement_map(source, target):
    """Returns the matrix that Replace multiplies the source's attention with: [77 source tokens, 77 target
    tokens].

    The prompts differ only in single words. A changed word with the same number of tokens inherits the old
    word's attention token by token; otherwise each of its n tokens gets 1/n of the sum over the old word's
    tokens. Unchanged tokens follow their word to its new position. If the target is shorter, its additional
    padding tokens use the source's last token.
    """
    if len(source.words) != len(target.words):
        raise ValueError("replacement needs the same number of words in both prompts")
    matrix = torch.zeros(LENGTH, LENGTH)
    row = column = 0

    def same(count):
        nonlocal row, column
        matrix[row : row + count, column : column + count] = torch.eye(count)
        row, column = row + count, column + count

    for k, (a, b) in enumerate(zip(source.words, target.words)):
        if a == b:
            continue
        old, new = source.positions[k], target.positions[k]
        same(old[0] - row)
        if len(old) == len(new):
            same(len(old))
        else:
            matrix[row : row + len(old), column : column + len(new)] = 1 / len(new)
            row, column = row + len(old), column + len(new)
    same(LENGTH - max(row, column))
    matrix[LENGTH - 1, column:] = 1
    return matrix


def refinement_map(source, target):
    """Returns, for each target token, the matching source token or -1 for a new one, and 1 or 0 accordingly: two
    lists of 77.

    The mapping is the longest common subsequence of the token sequences. Among equally long ones, the
    backtracking prefers a new target token to a dropped source token, and a dropped source token to a match.
    Padding tokens keep their positions.
    """
    a, b = source.ids, target.ids
    longest = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            longest[i][j] = max(
                longest[i][j - 1],
                longest[i - 1][j],
                longest[i - 1][j - 1] + (1 if a[i - 1] == b[j - 1] else -1),
            )
    mapping = [-1] * len(b) + list(range(len(b), LENGTH))
    i, j = len(a), len(b)
    while i > 0 and j > 0:
        if longest[i][j] == longest[i][j - 1]:
            j -= 1
        elif longest[i][j] == longest[i - 1][j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            mapping[j] = i
    return mapping, [0 if m < 0 else 1 for m in mapping]


def emphasis(target, weights):
    """Returns the factor of each target token: the weight of its word, or one."""
    factors = torch.ones(LENGTH)
    for word, weight in weights.items():
        factors[target.find(word)] = weight
    return factors


def as_range(window):
    """Returns a window as (start, end) fractions; a single number is the end of a window that starts at 0."""
    return (0.0, float(window)) if isinstance(window, (int, float)) else (float(window[0]), float(window[1]))


def cross_table(target, steps, default, words):
    """Returns 1 where a target token uses the edited cross-attention and 0 where it keeps its own: [steps, 77].

    Windows are fractions of `steps + 1`, truncated, as in the published code. A word's window replaces the
    default for its tokens.
    """
    table = torch.zeros(steps + 1, LENGTH)

    def open_window(window, columns):
        start, end = (int(x * (steps + 1)) for x in as_range(window))
        table[:, columns] = 0
        for column in columns:
            table[start:end, column] = 1

    open_window(default, list(range(LENGTH)))
    for word, window in words.items():
        open_window(window, target.find(word))
    return table[:steps]
