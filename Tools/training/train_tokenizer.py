"""Writes a CLIP tokenizer with only its first 16,000 merges.

    python Tools/training/train_tokenizer.py BPE_GZ OUT

BPE_GZ is `bpe_simple_vocab_16e6.txt.gz` from the CLIP packages (MIT license). Byte-pair merges are ordered, so
any prefix of the list is a valid tokenizer; common words stay one token, and rarer ones (umbrella, pineapple,
watermelon) become two or three.
"""

import gzip
import json
import os
import sys

START, END = "<|startoftext|>", "<|endoftext|>"
SPECIAL = {"bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END}
CONFIG = {
    "model_max_length": 77, "do_lower_case": True, "add_prefix_space": False, "errors": "replace",
    "tokenizer_class": "CLIPTokenizer",
}


def byte_symbols():
    """Returns a printable character for each byte, in CLIP's order."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [b for b in range(256) if b not in keep]
    return [chr(b) for b in keep] + [chr(256 + i) for i in range(len(rest))]


def main(source, out, count=16000):
    merges = gzip.open(source, "rt", encoding="utf8").read().split("\n")[1 : 1 + count]
    symbols = byte_symbols()
    vocabulary = symbols + [s + "</w>" for s in symbols] + [m.replace(" ", "") for m in merges] + [START, END]
    os.makedirs(out, exist_ok=True)
    with open(out + "/vocab.json", "w") as file:
        json.dump({token: i for i, token in enumerate(vocabulary)}, file, ensure_ascii=False)
    with open(out + "/merges.txt", "w") as file:
        file.write("#version: 0.2\n" + "\n".join(merges) + "\n")
    with open(out + "/tokenizer_config.json", "w") as file:
        json.dump({**SPECIAL, **CONFIG}, file, indent=2)
    with open(out + "/special_tokens_map.json", "w") as file:
        json.dump(SPECIAL, file, indent=2)


if __name__ == "__main__":
    main(*sys.argv[1:3])
