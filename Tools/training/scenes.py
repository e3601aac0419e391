"""Emoji scenes: procedural pictures with captions, whose edits have known results.

A scene is a value (background, objects, style); `render` draws it as a 128x128 RGB picture and `caption`
describes it. Changing one field and rendering again gives the ground truth of an edit.

    python Tools/training/scenes.py SEED OUT.png
"""

from __future__ import annotations

import colorsys
import dataclasses
import os
import random
import sys
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

SIZE = 128
# Debian: fonts-noto-color-emoji (SIL OFL 1.1).
FONT = os.environ.get("EMOJI_FONT", "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
OBJECTS = {
    "cat": "🐱", "dog": "🐶", "fox": "🦊", "lion": "🦁", "tiger": "🐯", "bear": "🐻", "panda": "🐼", "pig": "🐷",
    "frog": "🐸", "monkey": "🐵", "rabbit": "🐰", "cow": "🐮", "penguin": "🐧", "owl": "🦉", "unicorn": "🦄",
    "turtle": "🐢", "butterfly": "🦋", "octopus": "🐙", "apple": "🍎", "lemon": "🍋", "orange": "🍊",
    "strawberry": "🍓", "watermelon": "🍉", "pineapple": "🍍", "pizza": "🍕", "hamburger": "🍔", "donut": "🍩",
    "mushroom": "🍄", "sunflower": "🌻", "balloon": "🎈", "car": "🚗", "rocket": "🚀", "tree": "🌲", "star": "⭐",
    "heart": "❤", "pumpkin": "🎃",
}
COLORS = {
    "red": (214, 48, 49), "orange": (240, 147, 43), "yellow": (246, 217, 66), "green": (72, 176, 92),
    "blue": (59, 130, 226), "purple": (140, 82, 200), "pink": (245, 150, 190), "white": (248, 248, 248),
    "gray": (140, 146, 152), "black": (28, 28, 32),
}
# The hues of tinted objects.
TINTS = {"red": 0.0, "green": 0.36, "blue": 0.6, "purple": 0.76, "pink": 0.91}
PLACES = ["on grass", "on sand", "in snow", "at night", "at sunset", "under water"]
PATTERNS = ["stripes", "checks", "dots"]
# The probability of each style.
STYLES = {"": 0.79, "a sketch of": 0.07, "a pixel art of": 0.07, "a black and white photo of": 0.07}


@dataclasses.dataclass(frozen=True)
class Thing:
    """An object: center and size in pixels, angle in degrees."""

    name: str
    x: float
    y: float
    size: float
    angle: float
    tint: str = ""
    word_size: str = ""


@dataclasses.dataclass(frozen=True)
class Scene:
    """A scene; `background` is a part of the caption: "on grass", "on a blue background", "on red stripes"."""

    background: str
    things: tuple[Thing, ...]
    style: str = ""
    # The seed of the background's texture.
    seed: int = 0


def _article(words):
    return "an" if words[0] in "aeiou" and not words.startswith("unicorn") else "a"


def caption(scene: Scene) -> str:
    parts = []
    for thing in scene.things:
        words = " ".join(word for word in (thing.word_size, thing.tint, thing.name) if word)
        parts.append(f"{_article(words)} {words}")
    body = " next to ".join(parts) + " " + scene.background
    return f"{scene.style} {body}" if scene.style else body


@lru_cache(None)
def _font(path):
    return ImageFont.truetype(path, 109)


@lru_cache(None)
def _glyph(name: str, tint: str):
    """Returns an emoji on a transparent square, optionally in another hue."""
    image = Image.new("RGBA", (136, 128), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((0, 0), OBJECTS[name], font=_font(FONT), embedded_color=True)
    image = image.crop(image.getbbox())
    side = max(image.size)
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return _tinted(square, TINTS[tint]) if tint else square


def _tinted(image, hue):
    """Returns the image in one hue; its darkest parts, such as eyes, stay gray."""
    a = np.asarray(image).astype(np.float32) / 255
    most, least = a[..., :3].max(-1), a[..., :3].min(-1)
    saturation = np.where(most > 0, (most - least) / np.maximum(most, 1e-6), 0)
    luminance = a[..., :3] @ np.array([0.3, 0.59, 0.11], np.float32)
    saturation = np.clip(0.25 + 0.75 * np.maximum(saturation, 0.35), 0, 1) * (luminance > 0.12)
    value = np.clip(0.15 + 0.9 * luminance, 0, 1)
    base = np.array(colorsys.hsv_to_rgb(hue, 1, 1), np.float32)
    a[..., :3] = value[..., None] * (1 - saturation[..., None] * (1 - base))
    return Image.fromarray((np.clip(a, 0, 1) * 255).astype(np.uint8), "RGBA")


def _ground(color, rng, amount):
    """Returns a color with smooth random brightness."""
    noise = Image.fromarray(rng.randn(SIZE // 4, SIZE // 4).astype(np.float32))
    noise = np.asarray(noise.resize((SIZE, SIZE), Image.BICUBIC))
    return np.clip(np.array(color) + noise[..., None] * amount, 0, 255)


def _gradient(top, bottom):
    t = np.linspace(0, 1, SIZE)[:, None, None]
    return np.repeat(np.array(top) * (1 - t) + np.array(bottom) * t, SIZE, 1)


def _pattern(color, kind, rng):
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    dark = np.array(COLORS[color], float)
    light = 0.35 * dark + 0.65 * 255 if color != "white" else np.array((205, 205, 210.0))
    period = 16
    phase = rng.randint(0, 16)
    if kind == "stripes":
        mask = ((xx + phase) // period) % 2 == 0
    elif kind == "checks":
        mask = (((xx + phase) // period) + ((yy + phase) // period)) % 2 == 0
    else:
        mask = (((xx + phase) % period - 8) ** 2 + ((yy + phase) % period - 8) ** 2) < 20
    return np.where(mask[..., None], dark, light)


def _background(scene: Scene):
    rng = np.random.RandomState(scene.seed)
    name = scene.background
    row = np.mgrid[0:SIZE, 0:SIZE][0]
    horizon = 70 + rng.randint(-8, 9)
    if name == "on grass":
        image = _gradient((120, 190, 250), (205, 232, 255))
        below = row >= horizon
        image[below] = _ground((86, 168, 70), rng, 9)[below]
    elif name == "on sand":
        image = _gradient((110, 196, 240), (190, 230, 245))
        below = row >= horizon
        image[below] = _ground((232, 205, 140), rng, 7)[below]
    elif name == "in snow":
        image = _gradient((165, 185, 205), (215, 225, 235))
        image[row >= horizon] = (244, 247, 252)
        image = Image.fromarray(image.astype(np.uint8))
        draw = ImageDraw.Draw(image)
        for _ in range(45):
            x, y = rng.randint(0, SIZE, 2)
            draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(255, 255, 255))
        return image
    elif name == "at night":
        image = _gradient((8, 10, 40), (38, 40, 92))
        image[row >= horizon + 22] = (18, 28, 36)
        image = Image.fromarray(image.astype(np.uint8))
        draw = ImageDraw.Draw(image)
        for _ in range(30):
            x = rng.randint(0, SIZE)
            y = rng.randint(0, 80)
            draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(250, 245, 200))
        return image
    elif name == "at sunset":
        image = _gradient((90, 50, 120), (255, 150, 70))
        below = row >= horizon + 14
        image[below] = np.broadcast_to(_gradient((200, 90, 80), (60, 30, 80)), image.shape)[below]
    elif name == "under water":
        image = Image.fromarray(_gradient((60, 190, 220), (10, 70, 140)).astype(np.uint8))
        draw = ImageDraw.Draw(image)
        for _ in range(14):
            x, y = rng.randint(0, SIZE, 2)
            radius = rng.randint(2, 6)
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(190, 235, 245))
        return image
    elif name.endswith("background"):
        color = np.array(COLORS[name.split()[2]], float)
        image = np.broadcast_to(color, (SIZE, SIZE, 3)) + np.zeros((SIZE, SIZE, 3))
    else:
        _, color, kind = name.split()
        image = _pattern(color, kind, rng)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))


def _styled(image, style):
    if style == "a black and white photo of":
        return ImageOps.grayscale(image).convert("RGB")
    if style == "a pixel art of":
        small = image.resize((32, 32), Image.BOX).quantize(12).convert("RGB")
        return small.resize((SIZE, SIZE), Image.NEAREST)
    if style == "a sketch of":
        gray = ImageOps.grayscale(image).filter(ImageFilter.GaussianBlur(0.8))
        gray = np.asarray(gray).astype(np.float32)
        edges = np.hypot(*np.gradient(gray))
        lines = np.clip(250 - 6.0 * edges - 0.12 * (255 - gray), 20, 250)
        return Image.fromarray(lines.astype(np.uint8)).convert("RGB")
    return image


def render(scene: Scene) -> Image.Image:
    image = _background(scene).convert("RGB")
    for thing in scene.things:
        glyph = _glyph(thing.name, thing.tint).resize((int(thing.size), int(thing.size)), Image.LANCZOS)
        glyph = glyph.rotate(thing.angle, Image.BICUBIC, expand=True)
        image.paste(glyph, (int(thing.x - glyph.width / 2), int(thing.y - glyph.height / 2)), glyph)
    return _styled(image, scene.style)


def _sample_thing(rng, name, x, size=None):
    word = ""
    if size is None:
        k = rng.random()
        if k < 0.12:
            word, size = "big", rng.uniform(96, 106)
        elif k < 0.24:
            word, size = "small", rng.uniform(42, 48)
        else:
            size = rng.uniform(62, 84)
    y = rng.uniform(60, 72)
    angle = rng.uniform(-7, 7)
    tint = rng.choice(list(TINTS)) if rng.random() < 0.2 else ""
    return Thing(name, x, y, size, angle, tint, word)


def sample(rng: random.Random) -> Scene:
    """Returns a random scene from the demo model's training distribution."""
    u = rng.random()
    if u < 0.42:
        background = f"on a {rng.choice(list(COLORS))} background"
    elif u < 0.88:
        background = rng.choice(PLACES)
    else:
        background = f"on {rng.choice(list(COLORS))} {rng.choice(PATTERNS)}"
    if background == "on a orange background":
        background = "on an orange background"
    names = list(OBJECTS)
    if rng.random() < 0.2:
        left, right = rng.sample(names, 2)
        things = (
            _sample_thing(rng, left, rng.uniform(31, 37), rng.uniform(50, 58)),
            _sample_thing(rng, right, rng.uniform(91, 97), rng.uniform(50, 58)),
        )
    else:
        things = (_sample_thing(rng, rng.choice(names), rng.uniform(56, 72)),)
    style = rng.choices(list(STYLES), list(STYLES.values()))[0]
    return Scene(background, things, style, rng.randrange(1 << 30))


if __name__ == "__main__":
    scene = sample(random.Random(int(sys.argv[1])))
    render(scene).save(sys.argv[2])
    print(caption(scene))
