"""Writes Tests/Fixtures/pictures: pictures in many formats, and the results of Pillow, scikit-image and
torchmetrics for them.

    pip install pillow numpy scikit-image torch torchmetrics
    python Tools/write_picture_fixtures.py

Run it in the root of the package. PNG files of kinds that Pillow cannot write are constructed here, chunk by
chunk.
"""

import base64
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure

FOLDER = Path("Tests/Fixtures/pictures")
WIDTH, HEIGHT = 13, 11


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, depth, color, extra=b"", interlaced=False):
    """Returns a PNG of `samples`, height x width x channels, with one of PNG's color types (0 gray, 2 RGB, 3
    palette, 4, 6)."""

    def rows(part):
        for row in part:
            flat = row.reshape(-1)
            if depth == 16:
                packed = flat.astype(">u2").tobytes()
            elif depth == 8:
                packed = flat.astype(np.uint8).tobytes()
            else:
                bits = ((flat[:, None] >> np.arange(depth)[::-1]) & 1).astype(np.uint8)
                packed = np.packbits(bits.reshape(-1)).tobytes()
            yield b"\0" + packed

    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
        data = b"".join(b"".join(rows(part)) for part in parts if part.size)
    else:
        data = b"".join(rows(samples))
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    )


def photo(width, height, seed):
    """Returns smooth gradients, an edge, a bright disc and sensor noise, which test a filter as a photograph does."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    u, v = x / width, y / height
    picture = np.stack([60 + 150 * u, 200 - 120 * v, 90 + 80 * np.sin(5 * u + 3 * v)], axis=-1)
    picture[(x + 2 * y) % 37 < 12] *= 0.6
    picture[(u - 0.6) ** 2 + (v - 0.4) ** 2 < 0.05] = [250, 240, 120]
    return np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


def pixels(data):
    """Returns the picture on white, upright."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    # Pillow does not apply the transparent color of gray and RGB pictures.
    if "transparency" in picture.info and picture.mode in ("1", "L", "RGB", "P"):
        picture = picture.convert("RGBA")
    if picture.mode not in ("RGBA", "LA"):
        return np.array(picture.convert("RGB"))
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return np.array(white)


def rounded(samples):
    """Returns 16-bit samples in 8 bits, on white if they have alpha. (Pillow keeps the high bytes, and turns gray
    white.)"""
    values = samples / 65535
    if samples.shape[2] % 2 == 0:
        values = values[..., :-1] * values[..., -1:] + 1 - values[..., -1:]
    return np.broadcast_to(np.rint(255 * values), (*samples.shape[:2], 3)).astype(np.uint8)


def write_decoding():
    rng = np.random.default_rng(1)
    files = {}

    def add(name, data, expected=None):
        (FOLDER / name).write_bytes(data)
        rgb = pixels(data) if expected is None else expected
        files[name] = {"width": rgb.shape[1], "height": rgb.shape[0], "rgb": base64.b64encode(rgb.tobytes()).decode()}

    def noise(depth, channels):
        return rng.integers(0, 2**depth, (HEIGHT, WIDTH, channels))

    for depth in (1, 2, 4, 8):
        add(f"grey{depth}.png", png(noise(depth, 1), depth, 0))
        palette = rng.integers(0, 256, 3 * 2**depth, dtype=np.uint8).tobytes()
        add(f"palette{depth}.png", png(noise(depth, 1), depth, 3, chunk(b"PLTE", palette)))
    samples = noise(16, 1)
    add("grey16.png", png(samples, 16, 0), rounded(samples))
    for depth in (8, 16):
        samples = noise(depth, 2)
        add(f"grey-alpha{depth}.png", png(samples, depth, 4), rounded(samples) if depth == 16 else None)
        if depth == 16:
            rgb = noise(16, 3)
            add("rgb16.png", png(rgb, 16, 2), rounded(rgb))
        samples = noise(depth, 4)
        add(f"rgba{depth}.png", png(samples, depth, 6), rounded(samples) if depth == 16 else None)
    add("rgb8.png", png(noise(8, 3), 8, 2))
    transparency = chunk(b"tRNS", rng.integers(0, 256, 16, dtype=np.uint8).tobytes())
    colors = chunk(b"PLTE", rng.integers(0, 256, 48, dtype=np.uint8).tobytes())
    add("palette-transparent.png", png(noise(4, 1), 4, 3, colors + transparency))
    add("palette-short.png", png(noise(4, 1), 8, 3, chunk(b"PLTE", bytes(range(10, 34)))))
    add("rgb-transparent.png", png(noise(8, 3), 8, 2, chunk(b"tRNS", bytes(6))))
    add("grey-transparent.png", png(noise(2, 1), 2, 0, chunk(b"tRNS", bytes(2))))
    gamma = chunk(b"gAMA", struct.pack(">I", 100000))
    add("gamma.png", png(noise(8, 3), 8, 2, gamma))
    samples = noise(16, 4)
    add("gamma16.png", png(samples, 16, 6, gamma), rounded(samples))
    add("interlaced-rgba8.png", png(noise(8, 4), 8, 6, interlaced=True))
    add("interlaced-grey1.png", png(noise(1, 1), 1, 0, interlaced=True))
    add("interlaced-palette4.png", png(noise(4, 1), 4, 3, colors, interlaced=True))

    image = Image.fromarray(photo(21, 17, 2))

    def jpeg(name, picture, **options):
        file = io.BytesIO()
        picture.save(file, "JPEG", **options)
        add(name, file.getvalue())

    jpeg("rgb-444.jpg", image, quality=90, subsampling=0)
    jpeg("rgb-422.jpg", image, quality=80, subsampling=1)
    jpeg("rgb-420.jpg", image, quality=75, subsampling=2)
    jpeg("progressive.jpg", image, quality=85, progressive=True)
    jpeg("restarts.jpg", image, quality=85, restart_marker_blocks=1)
    jpeg("grey.jpg", image.convert("L"), quality=85)
    jpeg("cmyk.jpg", image.convert("CMYK"), quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg("rotated.jpg", image, quality=85, exif=exif)
    (FOLDER / "decoded.json").write_text(json.dumps(files, indent=0, sort_keys=True) + "\n")


def checksum(data):
    """Returns the 64-bit FNV-1a hash."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def noise_picture(width, height):
    """Returns a picture with the bytes of a linear congruential generator that the test repeats."""
    state, values = 1, bytearray()
    for _ in range(3 * width * height):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(state >> 56)
    return Image.frombytes("RGB", (width, height), bytes(values))


def write_resizing():
    cases = []
    for source, targets in {
        (61, 47): [(32, 32), (64, 64), (122, 94), (61, 20), (17, 47), (90, 13), (1, 1), (200, 3)],
        (300, 211): [(64, 64), (150, 105), (7, 5), (299, 212)],
        (1, 1): [(4, 3)],
        (3, 700): [(5, 16)],
        (16, 16): [(64, 48)],
        # Sizes on both sides of the limit at which Pillow processes the columns first.
        (40, 40): [(32, 24), (32, 23), (41, 39), (41, 41)],
    }.items():
        image = noise_picture(*source)
        for target in targets:
            result = image.resize(target).tobytes()
            case = {"source": source, "target": target, "checksum": checksum(result)}
            if len(result) <= 3 * 16 * 80:
                case["rgb"] = base64.b64encode(result).decode()
            cases.append(case)
    (FOLDER / "resized.json").write_text(json.dumps(cases, indent=0) + "\n")

    # A realistic picture, in which a wrong kernel or a shifted center is also visible, cropped as in the published
    # code.
    picture = photo(90, 61, 3)
    Image.fromarray(picture).save(FOLDER / "photo.png")
    offset = (90 - 61) // 2
    Image.fromarray(picture[:, offset : offset + 61]).resize((40, 40)).save(FOLDER / "photo-40.png")


def write_metrics():
    a = photo(48, 40, 4)
    rng = np.random.default_rng(5)
    noisy = np.clip(a + rng.normal(0, 12, a.shape), 0, 255).astype(np.uint8)
    soft = np.array(Image.fromarray(a).resize((24, 20)).resize((48, 40)))
    static = rng.integers(0, 256, a.shape, dtype=np.uint8)
    mask = np.zeros((40, 48), dtype=np.float32)
    mask[8:25, 10:33] = 1
    mask[[0, -1], :] = 1
    mask[:, [0, -1]] = 1
    Image.fromarray(a).save(FOLDER / "metrics-a.png")
    result = {}
    for name, b in {"noisy": noisy, "soft": soft, "static": static}.items():
        Image.fromarray(b).save(FOLDER / f"metrics-{name}.png")

        def torch_metrics(kept):
            x, y = (torch.from_numpy(p.astype(np.float64) / 255 * kept[..., None]) for p in (a, b))
            x, y = (p.permute(2, 0, 1)[None].contiguous() for p in (x, y))
            return {
                "mse": torch.mean((x - y) ** 2).item(),
                "psnr": PeakSignalNoiseRatio(data_range=1.0)(y, x).item(),
                "ssim": StructuralSimilarityIndexMeasure(data_range=1.0)(y, x).item(),
            }

        result[name] = {
            "skimage": {
                "mse": mean_squared_error(a, b) / 255**2,
                "psnr": peak_signal_noise_ratio(a, b, data_range=255),
                "ssim": structural_similarity(a, b, channel_axis=-1, data_range=255),
            },
            "torchmetrics": torch_metrics(np.ones((40, 48))),
            "torchmetricsMasked": torch_metrics(1.0 - mask),
        }
    (FOLDER / "metrics.json").write_text(json.dumps(result, indent=1) + "\n")


FOLDER.mkdir(parents=True, exist_ok=True)
write_decoding()
write_resizing()
write_metrics()
