"""Writes Tests/Fixtures/photos: pictures like those of cameras and programs, and Pillow's results for them.

    pip install pillow numpy
    python Tools/write_photo_fixtures.py

Run it in the root of the package. The profiles are constructed here: matrices and curves similar to Display P3,
Adobe RGB and ProPhoto RGB, and a printer with an invented ink mixture. Pillow does not support 16 bits per
sample; these results are computed in double precision.
"""

import base64
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

FOLDER = Path("Tests/Fixtures/photos")
WIDTH, HEIGHT = 20, 16
FILES = {}

# Chromaticities of red, green and blue, the white point, and the exponent of the curve (None for sRGB's curve).
D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
SPACES = {
    "P3-like": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65, None),
    "A98-like": ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060), D65, 563 / 256),
    "wide": ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), D50, 1.8),
}
SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65, None)
PCS_WHITE = np.array([0.9642, 1.0, 0.8249])


# Profiles (ICC.1:2010)


def fixed(*values):
    return struct.pack(f">{len(values)}i", *[round(v * 65536) for v in values])


def xyz(value):
    return b"XYZ \0\0\0\0" + fixed(*value)


def description(text):
    return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, 2 * len(text), 28) + text.encode("utf-16-be")


def curve(exponent):
    if exponent is None:
        return b"para" + struct.pack(">IHH", 0, 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para" + struct.pack(">IHH", 0, 0, 0) + fixed(exponent)


def profile(kind, space, pcs, tags):
    """Returns a version 4 profile; equal tags share their data."""
    places, body, table = {}, b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags:
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += name + struct.pack(">II", places[data], len(data))
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x04300000, kind, space, pcs)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(*PCS_WHITE)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def color_matrix(space):
    """Returns the matrix from linear RGB to XYZ under D50 with Bradford adaptation, and the adaptation matrix."""
    red, green, blue, white, _ = space
    at = lambda x, y: np.array([x / y, 1, (1 - x - y) / y])
    primaries = np.stack([at(*red), at(*green), at(*blue)], axis=1)
    scaled = primaries * np.linalg.solve(primaries, at(*white))
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    adaptation = np.linalg.inv(bradford) @ np.diag((bradford @ PCS_WHITE) / (bradford @ at(*white))) @ bradford
    return adaptation @ scaled, adaptation


def rgb_profile(name):
    matrix, adaptation = color_matrix(SPACES[name])
    trc = curve(SPACES[name][4])
    tags = [(b"desc", description(name)), (b"wtpt", xyz(PCS_WHITE))]
    tags += [(n, xyz(matrix[:, i])) for i, n in enumerate([b"rXYZ", b"gXYZ", b"bXYZ"])]
    tags += [(n, trc) for n in [b"rTRC", b"gTRC", b"bTRC"]] + [(b"chad", b"sf32\0\0\0\0" + fixed(*adaptation.flat))]
    return profile(b"mntr", b"RGB ", b"XYZ ", tags)


def gray_profile(exponent):
    tags = [(b"desc", description("grey of 1.8")), (b"wtpt", xyz(PCS_WHITE)), (b"kTRC", curve(exponent))]
    return profile(b"mntr", b"GRAY", b"XYZ ", tags)


def ink_profile(points=3):
    """Returns a profile with a table from inks to Lab: subtractive mixing, where black ink is not
    completely black."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, points)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    inks = np.array([[0.05, 0.45, 0.75], [0.75, 0.08, 0.40], [0.95, 0.85, 0.05], [0.08, 0.08, 0.08]])
    linear = np.prod(1 - grid[:, :, None] * (1 - inks), axis=1)
    values = linear @ color_matrix(SRGB)[0].T / PCS_WHITE
    f = np.where(values > (6 / 29) ** 3, np.cbrt(values), values * (29 / 6) ** 2 / 3 + 4 / 29)
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    encoded = np.stack([lab[:, 0] / 100 * 0xFF00, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], axis=1)
    table = np.clip(np.rint(encoded), 0, 65535).astype(">u2").tobytes()
    straight = struct.pack(">2H", 0, 65535)
    lut = b"mft2" + struct.pack(">I4B", 0, 4, 3, points, 0) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">2H", 2, 2)
    lut += straight * 4 + table + straight * 3
    tags = [(b"desc", description("inks")), (b"wtpt", xyz(PCS_WHITE)), (b"A2B0", lut)]
    return profile(b"prtr", b"CMYK", b"Lab ", tags)


PROFILES = {name: rgb_profile(name) for name in SPACES} | {"grey": gray_profile(1.8), "inks": ink_profile()}
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Without the creation time.
PROFILES["sRGB"] = SRGB_PROFILE[:24] + PROFILES["grey"][24:36] + SRGB_PROFILE[36:]


# Files


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, extra=b"", late=b""):
    """Returns a PNG of height x width x channels; `late` are chunks after the pixels."""
    height, width, channels = samples.shape
    depth = 16 if samples.dtype == np.uint16 else 8
    rows = b"".join(b"\0" + row.astype(f">u{depth // 8}").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, depth, [0, 4, 2, 6][channels - 1], 0, 0, 0)
    parts = [chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(rows)), late, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def iccp(data):
    return chunk(b"iCCP", b"p\0\0" + zlib.compress(data))


def exif(orientation, order=">", kind=3, offset=8, count=1):
    """Returns a TIFF header with one directory: a maker's name, then the orientation."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *([orientation, 0] if kind == 3 else [orientation]))
    make = struct.pack(order + "HHI4s", 0x010F, 2, 4, b"abc\0")
    entry = struct.pack(order + "HHI", 0x0112, kind, count) + value
    return mark + struct.pack(order + "I", offset) + struct.pack(order + "H", 2) + make + entry + bytes(4)


def segment(marker, data):
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(jpeg, *segments):
    """Inserts segments after the JFIF header, or at the beginning."""
    place = 4 + int.from_bytes(jpeg[4:6], "big") if jpeg[2:4] == b"\xff\xe0" else 2
    return jpeg[:place] + b"".join(segments) + jpeg[place:]



def saved(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def photo(seed, channels=3, depth=8):
    """Returns smooth gradients with some noise, from dark to bright and from gray to colorful."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    u, v = x / (WIDTH - 1), y / (HEIGHT - 1)
    planes = [u, v, 0.5 + 0.5 * np.sin(4 * u + 5 * v), 1 - 0.8 * u * v][:channels]
    values = np.stack(planes, axis=-1) + rng.normal(0, 0.02, (HEIGHT, WIDTH, channels))
    full = 2**depth - 1
    return np.clip(np.rint(values * full), 0, full).astype(np.uint8 if depth == 8 else np.uint16)


# Expected results


def checksum(data):
    """Returns the 64-bit FNV-1a hash."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def on_white(picture):
    if picture.mode not in ("RGBA", "LA"):
        return picture.convert("RGB")
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return white


def by_pillow(data, embedded=None):
    """Returns the picture converted from an embedded profile, on white and upright."""
    picture = Image.open(io.BytesIO(data))
    turn = picture.getexif()
    picture.load()
    if embedded is not None:
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        srgb = ImageCms.createProfile("sRGB")
        picture = ImageCms.profileToProfile(picture, io.BytesIO(embedded), srgb, outputMode=mode)
    result = on_white(picture)
    result.info["exif"] = turn.tobytes()
    return np.array(ImageOps.exif_transpose(result))


def in_double(samples, space):
    """Returns 16-bit samples of a color space as 8-bit sRGB on white."""
    values = samples.astype(np.float64) / 65535
    colors, alpha = (values[..., :3], values[..., 3:]) if samples.shape[2] == 4 else (values, 1.0)
    if space is not None:
        exponent = SPACES[space][4]
        if exponent is None:
            linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
        else:
            linear = colors**exponent
        step = np.linalg.inv(color_matrix(SRGB)[0]) @ color_matrix(SPACES[space])[0]
        linear = np.clip(linear @ step.T, 0, 1)
        colors = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    mixed = np.rint(255 * (colors * alpha + 1 - alpha)).astype(np.uint8)
    return np.repeat(mixed, 3, axis=2) if mixed.shape[2] == 1 else mixed


def add(name, data, expected, exact=True, **facts):
    """Adds a file; exact pictures are stored by checksum, others by pixels. `facts` are the library's statements
    about the file."""
    (FOLDER / name).write_bytes(data)
    entry = {"width": expected.shape[1], "height": expected.shape[0], "orientation": 1, "use": "none"} | facts
    if exact:
        entry["checksum"] = checksum(expected.tobytes())
    else:
        entry["rgb"] = base64.b64encode(expected.tobytes()).decode()
    FILES[name] = entry


def write_orientations():
    picture = Image.fromarray(photo(1)[:, :17])
    jpeg = saved(picture, "JPEG", quality=85)
    for value in range(1, 9):
        data = with_segments(jpeg, segment(0xE1, b"Exif\0\0" + exif(value, "<" if value % 2 else ">")))
        add(f"orientation-{value}.jpg", data, by_pillow(data), orientation=value)
    data = with_segments(jpeg, segment(0xE1, b"Exif\0\0" + exif(6, kind=4)))
    add("orientation-long.jpg", data, by_pillow(data), orientation=6)
    pixels = np.array(picture)
    for value, order, late in [(5, ">", False), (8, "<", True)]:
        part = chunk(b"eXIf", exif(value, order))
        data = png(pixels, b"" if late else part, part if late else b"")
        add(f"orientation-{value}.png", data, by_pillow(data), orientation=value)
    for value in (3, 6):
        data = saved(picture, "WEBP", lossless=True, exif=(b"Exif\0\0" if value == 6 else b"") + exif(value))
        add(f"orientation-{value}.webp", data, by_pillow(data), orientation=value)

    # Pillow ignores these too, except for a second number: it uses the first.
    for name, value in {
        "value": exif(9), "zero": exif(0), "offset": exif(6, offset=0xFFFFFFF0), "in-header": exif(6, offset=7),
        "count": exif(6, count=2), "cut": exif(6)[:26], "order": b"XX" + exif(6)[2:], "empty": b"", "short": exif(6)[:5],
    }.items():
        data = with_segments(jpeg, segment(0xE1, b"Exif\0\0" + value))
        add(f"broken-exif-{name}.jpg", data, by_pillow(data), orientation=6 if name == "count" else 1)


def picture_of(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def pieces(data, size):
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    return [segment(0xE2, b"ICC_PROFILE\0" + bytes([i + 1, len(parts)]) + part) for i, part in enumerate(parts)]


def write_profiles():
    image = Image.fromarray(photo(2))
    rgba = photo(3, 4)
    for name in SPACES:
        embedded = PROFILES[name]
        facts = {"exact": False, "use": "converted", "profile": name}
        data = with_segments(saved(image, "JPEG", quality=90), *pieces(embedded, 60000))
        add(f"{name}.jpg", data, by_pillow(data, embedded), **facts)
        if name == "P3-like":
            data = with_segments(saved(image, "JPEG", quality=90, subsampling=0), *reversed(pieces(embedded, 150)))
            add("P3-like-pieces.jpg", data, by_pillow(data, embedded), **facts)
            data = png(rgba, iccp(embedded))
            add("P3-like-alpha.png", data, by_pillow(data, embedded), **facts)
            turned = saved(image, "JPEG", quality=90, icc_profile=embedded, exif=b"Exif\0\0" + exif(6))
            add("P3-like-turned.jpg", turned, by_pillow(turned, embedded), orientation=6, **facts)
            indexed = saved(image.quantize(16), "PNG", icc_profile=embedded)
            expected = ImageCms.profileToProfile(
                Image.open(io.BytesIO(indexed)).convert("RGB"), io.BytesIO(embedded), ImageCms.createProfile("sRGB"))
            add("P3-like-palette.png", indexed, np.array(expected), **facts)
        elif name == "A98-like":
            data = png(photo(4), iccp(embedded))
            add(f"{name}.png", data, by_pillow(data, embedded), **facts)
            data = saved(Image.fromarray(rgba), "WEBP", lossless=True, exact=True, icc_profile=embedded)
            add(f"{name}-alpha.webp", data, by_pillow(data, embedded), **facts)

    for name in ("P3-like", "wide"):
        samples = photo(5, 3, 16)
        add(f"{name}-16.png", png(samples, iccp(PROFILES[name])), in_double(samples, name),
            exact=False, use="converted", profile=name)
    samples = photo(6, 4, 16)
    add("P3-like-alpha-16.png", png(samples, iccp(PROFILES["P3-like"])), in_double(samples, "P3-like"),
        exact=False, use="converted", profile="P3-like")

    grey = image.convert("L")
    facts = {"exact": False, "use": "converted", "profile": "grey of 1.8"}
    data = saved(grey, "JPEG", quality=90, icc_profile=PROFILES["grey"])
    add("grey.jpg", data, by_pillow(data, PROFILES["grey"]), **facts)
    data = png(np.array(grey)[..., None], iccp(PROFILES["grey"]))
    add("grey.png", data, by_pillow(data, PROFILES["grey"]), **facts)

    srgb = PROFILES["sRGB"]
    for kind, ending, options in [("JPEG", "jpg", {"quality": 90}), ("PNG", "png", {}), ("WEBP", "webp", {"quality": 90})]:
        data = saved(image, kind, icc_profile=srgb, **options)
        add(f"sRGB.{ending}", data, by_pillow(data), use="sRGB", profile="sRGB built-in")

    # Profiles that cannot be used.
    jpeg = saved(image, "JPEG", quality=90)
    p3 = PROFILES["P3-like"]
    huge = struct.pack(">I", 0xFFFFFFFF)
    for name, segments in {
        "of-grey": pieces(PROFILES["grey"], 60000), "of-inks": pieces(PROFILES["inks"], 60000),
        "cut": pieces(p3[:140], 60000), "noise": pieces(bytes(range(256)) * 2, 60000),
        "tag-count": pieces(p3[:128] + huge + p3[132:], 60000), "tag-offset": pieces(p3[:148] + huge * 9 + p3[184:], 60000),
        "piece-lost": pieces(p3, 150)[1:], "piece-twice": pieces(p3, 150) + pieces(p3, 150)[:1],
        "piece-zero": [segment(0xE2, b"ICC_PROFILE\0\0\0" + p3)], "piece-empty": [segment(0xE2, b"ICC_PROFILE\0\1\1")],
    }.items():
        add(f"broken-profile-{name}.jpg", with_segments(jpeg, *segments), np.array(picture_of(jpeg)), use="ignored")
    pixels = photo(4)
    for name, part in {
        "size": iccp(huge + p3[4:]), "cut": chunk(b"iCCP", b"p\0\0" + zlib.compress(p3)[:90]), "empty": chunk(b"iCCP", b""),
        "of-grey": iccp(PROFILES["grey"]),
    }.items():
        add(f"broken-profile-{name}.png", png(pixels, part), pixels, use="ignored")
    lossless = saved(image, "WEBP", lossless=True, icc_profile=p3)
    place = lossless.index(b"ICCP") + 8
    add("broken-profile.webp", lossless[:place] + bytes(128) + lossless[place + 128 :], np.array(image), use="ignored")


def write_inks():
    inks = Image.fromarray(photo(7, 4), "CMYK")
    jpeg = saved(inks, "JPEG", quality=95)
    add("cmyk.jpg", jpeg, by_pillow(jpeg))
    # Color transform 2: the same numbers read as YCbCr and black.
    place = jpeg.index(b"Adobe") + 11
    ycck = jpeg[:place] + b"\2" + jpeg[place + 1 :]
    add("ycck.jpg", ycck, by_pillow(ycck))
    for name, data in {"cmyk": jpeg, "ycck": ycck}.items():
        data = with_segments(data, *pieces(PROFILES["inks"], 60000))
        add(f"{name}-inks.jpg", data, by_pillow(data, PROFILES["inks"]), exact=False, use="converted", profile="inks")
    data = with_segments(jpeg, *pieces(PROFILES["P3-like"], 60000))
    add("broken-profile-of-rgb.jpg", data, by_pillow(jpeg), use="ignored")


def write_depths():
    for name, channels in {"grey": 1, "grey-alpha": 2, "rgb": 3, "rgba": 4}.items():
        samples = np.random.default_rng(channels).integers(0, 65536, (HEIGHT, WIDTH, channels), dtype=np.uint16)
        colors = samples if channels != 2 else samples[..., [0, 0, 0, 1]]
        add(f"{name}-16.png", png(samples), in_double(colors, None))


def write_webp():
    image, alpha = Image.fromarray(photo(8)), Image.fromarray(photo(9, 4))
    for name, data in {
        "lossy": saved(image, "WEBP", quality=80), "lossless": saved(image, "WEBP", lossless=True),
        "lossy-alpha": saved(alpha, "WEBP", quality=80), "lossless-alpha": saved(alpha, "WEBP", lossless=True, exact=True),
    }.items():
        add(f"{name}.webp", data, by_pillow(data))
    frames = [Image.fromarray(photo(n)) for n in (10, 11)]
    (FOLDER / "animated.webp").write_bytes(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))


FOLDER.mkdir(parents=True, exist_ok=True)
for old in FOLDER.iterdir():
    old.unlink()
write_orientations()
write_profiles()
write_inks()
write_depths()
write_webp()
(FOLDER / "expected.json").write_text(json.dumps(FILES, indent=0, sort_keys=True) + "\n")
