"""Writes the golden tokens of the tokenizer's tests with transformers.

    pip install -r Tools/requirements.txt
    python Tools/write_tokenizer_fixtures.py --model Sources/EmojiScenes/Resources --out Tests/Fixtures/tokenizer

In addition to the demo model's tokenizer there is a tiny vocabulary that lacks some bytes, pads with "!" and
has added tokens, as `vocab.json` and `merges.txt` (`tiny`) and as `tokenizer.json` (`whole`).
"""

import argparse
import json
import pathlib
import random
import shutil
import sys
import unicodedata

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"

# The texts cover words, endings, digits, cases, marks, spaces, signs and other scripts.
TEXTS = [
    "", " ", "a", "cat", "a cat", "a cat sitting next to a mirror", "a tiger sitting next to a mirror",
    "A Cat Sitting Next To A MIRROR", "  a   cat ", "\ta cat\n", "a\ncat", "a\r\ncat", "a\u00a0cat", "a\u3000cat",
    "a\u2003\u2003cat", "a\u200bcat", "a\u200ccat", "a\u200dcat", "a\ufeffcat", "\ufeffa cat", "a\u2060cat",
    "a\u180ecat", "a\u0085cat", "a\u2028cat", "a\u2029cat", "a\u001ccat", "a\u001fcat", "a\x0bcat", "a\x0ccat",
    "cat's", "cat’s", "cat's's", "it's", "IT'S", "don't", "can't've", "they're", "we've", "I'm", "she'll", "he'd",
    "'s", "'S", "''s", "'tis", "'twas", "rock'n'roll", "dogs'", "'", "''", "'''", "a'", "'a", "!'s", "a's!",
    "o'clock", "l'eau", "'reading", "'vest", "'mars", "'llama", "'dog", "'re", "'ve", "'ll", "x'y",
    "1", "12", "123", "1234567890", "3d", "d3", "r2d2", "1st", "2nd", "50%", "$9.99", "1,000", "1.5", "-1", "1/2",
    "½", "¼ cup", "Ⅷ", "ⅷ", "①", "٣", "३", "１２３", "²", "x²", "H₂O", "一二三", "𝟙𝟚",
    "hello!", "hello!!", "hello !", "hello, world", "hello,world", "wait...", "wait…", "(a)", "[a]", "{a}", "a-b",
    "a - b", "a–b", "a—b", "a_b", "__a__", "a/b", "a\\b", "a|b", "a&b", "a+b=c", "a*b", "#hashtag", "@name",
    "name@example.org", "https://example.org/a?b=c", "~", "`code`", "\"quoted\"", "“quoted”", "«quoted»", "¿qué?",
    "¡hola!", "a:b", "a;b", "a<b>c", "^_^", ":-)", ";)", "<3", "!?!?", "., ;:", "%%", "©", "™", "€5", "£5", "5¢", "№5",
    "café", "cafe\u0301", "CAFÉ", "CAFE\u0301", "naïve", "nai\u0308ve", "Zürich", "Zu\u0308rich", "ångström",
    "a\u030angstro\u0308m", "\u212bngström", "Ω", "\u2126", "K", "\u212a", "e\u0301\u0302", "e\u0302\u0301",
    "a\u0323\u0307", "a\u0307\u0323", "\u0301", "\u0301a", "a \u0301", "a\n\u0301b", "\u0344", "\u0958", "\u0f73",
    "\u0f75\u0f71", "\u0340", "q\u0307\u0323", "\u1e9b\u0323", "\ufb49", "\u2add\u0338",
    "İstanbul", "I\u0307stanbul", "ISTANBUL", "ıstanbul", "ΣΑΣ", "ΟΔΥΣΣΕΥΣ", "σας", "ςσ", "Straße", "STRASSE", "ẞ",
    "ﬁsh", "ﬀ", "ﬃ", "ﬅ", "ǆ", "ǅ", "Ǆ", "ŉ", "ǰ", "ΐ", "Ά", "ᾳ", "ᾼ", "Ⴀ", "Ა", "ა", "𐐀", "𐐨",
    "Ａ cat", "ｃａｔ", "𝒸𝒶𝓉", "ⓒⓐⓣ",
    "日本語", "猫が座っている", "ねこ", "ネコ", "ﾈｺ", "パ", "ハ\u309a", "日本 語", "中文，标点。", "猫cat猫", "第1章",
    "한국어", "고양이", "\u1100\u1161\u11a8", "\uac00\u11a8", "\u1100\uac00", "\uac01\u11a8", "\u1112\u1175\u11c2",
    "नमस्ते", "क्षत्रिय", "தமிழ்", "ไทย", "ភាសាខ្មែរ", "မြန်မာ", "ລາວ", "বাংলা", "ಕನ್ನಡ", "മലയാളം", "සිංහල",
    "العربية", "مَرْحَبًا", "עברית", "שָׁלוֹם", "فارسی\u200cزبان", "Ελληνικά", "Русский", "Українська", "й",
    "и\u0306", "Հայերեն", "ქართული", "አማርኛ", "ᏣᎳᎩ", "ᚠᚢᚦ", "𓀀", "𒀀", "ꙮ", "ᠮᠣᠩᠭᠣᠯ",
    "😀", "😀😀", "a😀b", "😀 cat", "👍🏽", "👨‍👩‍👧‍👦", "🧑‍🚀", "🇩🇪", "🇩🇪🇫🇷", "❤️", "❤", "☕️", "1️⃣", "#️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🫠", "✨", "★",
    "→", "∑", "∞", "√2", "a∘b", "░▒▓", "│", "♪", "♥",
    "\x00", "a\x00b", "\x01\x02", "\x7f", "\x80", "\x9f", "\xad", "soft\u00adhyphen", "\u202eright", "a\u2066b",
    "\ue000", "\uf8ff", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\U000e0001", "\U000e0041a", "\u0378", "\U0001f8ff",
    "\u088f", "\ua7ce", "\U00010940", "\U00016ea0", "\u1c89", "\U00010d40",
    START, END, f"a {START} cat", f"a{END}cat", f"{END}{END}", f"{START}a cat{END}", "<|STARTOFTEXT|>",
    "<|EndOfText|>", "<|ENDOFTEXT|>!!", "!!<|ENDOFTEXT|>", "a<|ENDOFTEXT|>'s", "<|endoftext", "endoftext|>",
    "<|endoftext|", "<| endoftext |>", f"<{END}>", f"'s{END}'s", f"e{END}\u0301", "<|pad|>", "<unk>", "</w>", "a</w>",
    "</w>cat</w>", "cat</w", "Ġcat", "âĢĻ",
    "supercalifragilisticexpialidocious", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "zzzzzzzzzz", "xqzjkvb",
    "thethethethe", "antidisestablishmentarianism", "pneumonoultramicroscopicsilicovolcanoconiosis",
    "an emoji of a red apple on a green field", "a photo of a dog, oil painting, highly detailed, 4k",
    "portrait of a woman with (curly hair:1.2), [[blurry]], trending on artstation", "a cake | a pie",
    "trees in autumn -> trees in spring", "\"a cat\" by van Gogh", "Schrödinger's cat", "piñata", "jalapeño",
    "fiancée’s déjà-vu", "the 1980s", "90's", "rock 'n' roll", "3.14159", "v1.4-full-ema", "16:9", "f/2.8, 35mm",
    "cat cat cat", "cat\tdog  bird\u2003fish", "The quick brown fox jumps over the lazy dog.",
]


def random_texts(count, seed):
    """Returns random Unicode texts that use many features of the tokenizer."""
    source = random.Random(seed)
    everything = [chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    assigned = [c for c in everything if unicodedata.category(c) not in ("Cn", "Co")]
    marks = [c for c in everything if unicodedata.combining(c)]
    composed = [c for c in everything if unicodedata.decomposition(c) and not unicodedata.decomposition(c).startswith("<")]
    seconds = sorted({x for c in composed for x in unicodedata.normalize("NFD", c)})
    hangul = [chr(i) for i in range(0x1100, 0x1200)] + [chr(0xAC00 + 28 * i + i % 3) for i in range(0, 399, 5)]
    spaces = [c for c in everything if c.isspace()] + list("\u200b\u200c\u200d\ufeff\u180e\u2060")
    latin = [chr(i) for i in range(0x20, 0x250)]
    pieces = [START, END, "<|EndOfText|>", "'s", "'T", "'ll", "'", "!", "...", "cat", "Dog", "a photo of", "Σ", "İ", "42"]
    pools = [everything, assigned, latin, marks, composed, seconds, hangul, spaces, pieces, list("etaoin shrdlu '")]
    weights = [1, 2, 3, 2, 2, 2, 1, 2, 5, 5]
    texts = []
    for _ in range(count):
        chosen = source.choices(pools, weights, k=source.randint(1, 4))
        texts.append("".join(source.choice(source.choice(chosen)) for _ in range(source.randint(1, 14))))
    return texts


def tiny_vocabulary(folder):
    """Writes a vocabulary with two dozen merges that lacks 39 bytes, pads with "!", and has added tokens."""
    alphabet = sorted(ByteLevel.alphabet(), key=ord)
    alphabet = alphabet[:-40] + ["Ł"]
    pairs = ["t h", "th e</w>", "i n", "a n", "e r", "c a", "ca t</w>", "ca t", "cat s</w>", "a t", "o n</w>", "i n</w>",
             "in g</w>", "e r</w>", "s i", "si t", "t ing</w>", "sit ting</w>", "' s</w>", "! !</w>", "l l", "ll o</w>",
             "o o", "oo o", "oo oo", "Ã ©</w>", "ð Ł"]
    tokens = alphabet + [c + "</w>" for c in alphabet] + [p.replace(" ", "") for p in pairs] + [START, END]
    tokens = list(dict.fromkeys(tokens))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    def write(name, value):
        (folder / name).write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")

    def token(content):
        return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}

    write("vocab.json", {t: i for i, t in enumerate(tokens)})
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(p + "\n" for p in pairs), encoding="utf-8")
    write("tokenizer_config.json", {
        "bos_token": dict(token(START), __type="AddedToken"), "eos_token": dict(token(END), __type="AddedToken"),
        "unk_token": dict(token(END), __type="AddedToken"), "pad_token": END, "model_max_length": 24})
    # The map overrides the configuration.
    write("special_tokens_map.json", {
        "bos_token": token(START), "eos_token": token(END), "unk_token": token(END), "pad_token": "!",
        "additional_special_tokens": ["<Blue Cat>"]})
    write("added_tokens.json", {"<dog>": len(tokens), "<Big Dog>": len(tokens) + 1})


def golden(tokenizer, texts):
    encoded = [tokenizer(t, return_offsets_mapping=True) for t in texts]
    return [[t, e.input_ids, [x for pair in e.offset_mapping for x in pair]] for t, e in zip(texts, encoded)]


def write(path, tokenizer, texts, ids):
    """Writes the golden tokens; texts are escaped, so that editors and terminals do not change them."""
    value = {
        "start": tokenizer.bos_token_id, "end": tokenizer.eos_token_id, "padding": tokenizer.pad_token_id,
        "length": tokenizer.model_max_length,
        "decoded": [[i, tokenizer.decode([i])] for i in ids],
        "texts": golden(tokenizer, texts),
    }
    lines = ",\n".join(f"{json.dumps(k)}:" + (
        json.dumps(v) if isinstance(v, int) else
        "[\n" + ",\n".join(json.dumps(x, separators=(",", ":")) for x in v) + "\n]") for k, v in value.items())
    path.write_text("{\n" + lines + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="the demo model, in the diffusers layout")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    assert len(TEXTS) == len(set(TEXTS)), [t for t in TEXTS if TEXTS.count(t) > 1]

    demo = CLIPTokenizer.from_pretrained(options.model / "tokenizer")
    ids = list(range(0, 512, 13)) + list(range(512, len(demo), 397)) + [demo.bos_token_id, demo.eos_token_id]
    write(options.out / "demo.json", demo, TEXTS, ids)
    write(options.out / "random.json", demo, random_texts(220, seed=20240611), [])

    tiny_vocabulary(options.out / "tiny")
    tiny = CLIPTokenizer.from_pretrained(options.out / "tiny")
    own = ["<dog>", "a<DOG>s", "<big dog>!", "<Big  DOG>", "<Blue Cat>", "<blue cat>", "hello!", "the cats sitting",
           "!!", "ooooooooo", "catcats", "cat's", "😀", "é", "e\u0301", "\u00ff\u0143", "<|ENDOFTEXT|>", "mañana"]
    subset = [t for t in TEXTS if len(t) < 24][::3]
    write(options.out / "tiny.json", tiny, own + subset + random_texts(60, seed=7), list(range(0, len(tiny), 17)))

    whole = options.out / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    tiny.save_pretrained(whole)
    reread = CLIPTokenizer.from_pretrained(whole)
    write(options.out / "whole.json", reread, own, [])
    for file in options.out.glob("*.json"):
        print(file.name, file.stat().st_size, file=sys.stderr)


if __name__ == "__main__":
    main()
