"""edits-NAME.json, .safetensors and pictures: edits of the inversion in inversion-NAME.safetensors.

An edit is useful only if a wrong implementation gives a visibly different result. So each edit is repeated with
every plausible mistake, and the script fails if the PSNR of such a result to the golden picture is 50 dB or more.
"""

import dataclasses
import json

import torch
from PIL import Image
from safetensors import safe_open

from golden.store import Golden
from reference.control import Blend, Control, Edit, sample
from reference.inversion import Inversion
from reference.measure import psnr, relative_error
from reference.words import LENGTH, as_range, cross_table, replacement_map

TOO_ALIKE = 50  # dB
NEAR = 1e-3  # relative to a threshold


# Wrong implementations. Their docstrings are stored in the JSON file, so they stay as they are.


class TailInPlace(Control):
    """After the last changed word, tokens read the source's at their own position."""

    def make_mapping(self):
        matrix = replacement_map(self.source, self.target)
        first = max(tokens[-1] + 1 for tokens in self.target.positions if tokens)
        for a, b, tokens in zip(self.source.words, self.target.words, self.target.positions):
            if a != b:
                first = tokens[-1] + 1
        matrix[:, first:] = 0
        matrix[range(first, LENGTH), range(first, LENGTH)] = 1
        return matrix


class WholeShares(Control):
    """Every token of a changed word takes all of the old word's attention."""

    def make_mapping(self):
        return (replacement_map(self.source, self.target) > 0).float()


class MeanShares(Control):
    """A changed word takes the mean of the old word's attention, not the sum."""

    def make_mapping(self):
        matrix = replacement_map(self.source, self.target)
        return matrix / matrix.sum(0)


class EmphasisAlways(Control):
    """Emphasis goes on outside of the window."""

    def cross(self, source, own, place):
        factors = self.factors
        self.factors = torch.ones_like(factors)
        edited = super().cross(source, own, None) * factors.to(own.dtype)
        self.factors = factors
        super().note(source, edited, place)
        return edited

    def note(self, source, edited, place):
        pass


class WindowsOverSteps(Control):
    """Windows are fractions of the steps, not of one more."""

    def make_table(self):
        table = cross_table(self.target, self.steps - 1, self.edit.cross, self.edit.cross_words)
        return torch.cat([table, torch.zeros(1, LENGTH)])  # valid if no window reaches the end


class BlendByOwnMaps(Control):
    """Blending looks at the target's attention before the edit."""

    def cross(self, source, own, place):
        edited = super().cross(source, own, None)
        self.note(source, own, place)
        return edited

    def note(self, source, edited, place):
        if place is not None:
            super().note(source, edited, place)


class BlendByMiddle(Control):
    """Blending looks at the middle block's attention too, and finds a quarter of the latent there."""

    def __init__(self, model, source, edit, steps, height, width):
        super().__init__(model, source, edit, steps, height, width)
        self.mask_grid = height // 4, width // 4

    def note(self, source, edited, place):
        super().note(source, edited, "down" if place == "mid" else place)


class BlendAtLastStep(Control):
    """Blending looks at the present step's maps, not at those of all steps so far."""

    def after(self, source, target):
        latent = super().after(source, target)
        self.map_sum, self.map_count = 0, 0
        return latent


class BlendByTarget(Control):
    """Blending looks for the target's words only."""

    def places(self, words, pooled, threshold, shape):
        map_sum, source = self.map_sum, self.source
        self.map_sum, self.source = torch.stack([map_sum[1]] * 2), self.target
        found = super().places((words[1], words[1]), pooled, threshold, shape)
        self.map_sum, self.source = map_sum, source
        return found


class Unpooled(Control):
    """Blending does not widen its maps."""

    def places(self, words, pooled, threshold, shape):
        return super().places(words, False, threshold, shape)


def wrong_ways(edit, control, kinds):
    """Returns the alternatives to compare an edit with: options omitted one at a time, then wrong implementations."""
    plain = Edit(edit.prompt)
    change = dataclasses.replace
    ways = {"no control": (Edit(edit.prompt, edit.controller, cross=0, self=0), Control)}
    if as_range(edit.cross)[1] > 0 and control.source.text != control.target.text:
        ways["no cross-attention"] = (change(edit, cross=0, cross_words={}), Control)
    if as_range(edit.self)[1] > 0:
        ways["no self-attention"] = (change(edit, self=0), Control)
    if edit.controller == "refine" and len(control.source.words) == len(control.target.words):
        ways["replace"] = (change(edit, controller="replace"), Control)
    if edit.controller == "replace" and control.source.text != control.target.text:
        ways["refine"] = (change(edit, controller="refine"), Control)
    if as_range(edit.cross)[0] > 0:
        ways["cross window from 0"] = (change(edit, cross=as_range(edit.cross)[1]), Control)
    if as_range(edit.self)[0] > 0:
        ways["self window from 0"] = (change(edit, self=as_range(edit.self)[1]), Control)
    for word in edit.cross_words:
        rest = {w: v for w, v in edit.cross_words.items() if w != word}
        ways[f"no window of {word}"] = (change(edit, cross_words=rest), Control)
    if edit.self_limit != plain.self_limit:
        ways["self grid unlimited"] = (change(edit, self_limit=plain.self_limit), Control)
    for word in edit.emphasis:
        rest = {w: v for w, v in edit.emphasis.items() if w != word}
        ways[f"no emphasis of {word}"] = (change(edit, emphasis=rest), Control)
    if edit.blend:
        blend = edit.blend
        ways["no blend"] = (change(edit, blend=None), Control)
        if blend.subtract:
            ways["nothing subtracted"] = (change(edit, blend=change(blend, subtract=())), Control)
            swapped = change(blend, thresholds=blend.thresholds[::-1])
            ways["thresholds swapped"] = (change(edit, blend=swapped), Control)
        for k in range(len(blend.words[0]) if len(blend.words[0]) > 1 else 0):
            fewer = tuple([w for i, w in enumerate(words) if i != k] for words in blend.words)
            ways[f"no blend of {blend.words[1][k]}"] = (change(edit, blend=change(blend, words=fewer)), Control)
        if blend.thresholds[0] != 0.3:
            ways["blend at 0.3"] = (change(edit, blend=change(blend, thresholds=(0.3, blend.thresholds[1]))), Control)
        if blend.start != 0.2:
            ways["blend from 0.2"] = (change(edit, blend=change(blend, start=0.2)), Control)
    for kind in kinds:
        ways[kind.__doc__.rstrip(".")] = (edit, kind)
    return ways


# Files


def read_inversion(path, dtype):
    with safe_open(path, "pt") as file:
        remarks = file.metadata()
        names = "pivots", "null_embeddings", "trajectory"
        rows = [[x[None].to(dtype) for x in file.get_tensor(name)] for name in names]
    return Inversion(remarks["caption"], float(remarks["guidance"]), *rows)


def as_json(edit):
    """Returns an edit's settings, with windows as pairs of fractions and the blend's words by prompt."""
    blend = edit.blend
    return {
        "prompt": edit.prompt,
        "controller": edit.controller,
        "cross": as_range(edit.cross),
        "cross_words": {word: as_range(window) for word, window in edit.cross_words.items()},
        "self": as_range(edit.self),
        "self_limit": edit.self_limit,
        "emphasis": edit.emphasis,
        "blend": blend
        and {
            "words": blend.words,
            "subtract": blend.subtract or None,
            "thresholds": blend.thresholds,
            "start": blend.start,
        },
    }


def write(model, single, inversion_path, out, name, edits):
    """Writes the golden edits. `edits` maps names to (edit, wrong kinds of control). Golden values have the
    precision of `model`; `single` is the same model in single precision, for the wrong implementations and to
    measure rounding errors."""
    inversion = read_inversion(inversion_path, model.dtype)
    rough = read_inversion(inversion_path, single.dtype)
    golden = Golden()
    golden.remark(inversion=inversion_path.name)
    pictures = out / f"edits-{name}"
    pictures.mkdir(exist_ok=True)
    for old in pictures.glob("*.png"):
        old.unlink()
    records, complaints = [], []
    source = None
    for title, (edit, kinds) in edits.items():
        source, target, control = sample(model, inversion, edit)
        picture = model.render(target)
        _, again, _ = sample(single, rough, edit)
        rounding = psnr(single.render(again), picture)
        print(f"  {title}: {edit.prompt} ({edit.controller}); single precision {rounding:.1f} dB,", end=" ")
        print(f"latent {relative_error(again, target):.1e}; nearest to a threshold {control.margin:.1e}")
        if rounding < 65:
            complaints.append(f"{title}: {rounding:.1f} dB from rounding alone")
        if control.margin < NEAR:
            complaints.append(f"{title}: a map is within {control.margin:.1e} of its threshold")
        apart = {}
        for way, (wrong, kind) in wrong_ways(edit, control, kinds).items():
            _, other, _ = sample(single, rough, wrong, kind=kind)
            apart[way] = round(psnr(single.render(other), picture), 1)
            flag = "" if apart[way] < TOO_ALIKE else "   <-- too alike"
            print(f"    {apart[way]:5.1f} dB  {way}{flag}", flush=True)
            if flag:
                complaints.append(f"{title}: {apart[way]} dB with '{way}'")
        golden.add(title, latent=target)
        Image.fromarray(picture.numpy()).save(pictures / f"{title}.png", optimize=True)
        records.append({"name": title, **as_json(edit), "wrong": apart})
    golden.add("", source=source)
    golden.save(out / f"edits-{name}.safetensors")
    lines = ",\n".join(json.dumps(record) for record in records)
    (out / f"edits-{name}.json").write_text(f"[\n{lines}\n]\n")
    if complaints:
        raise SystemExit("These fixtures do not separate right from wrong results:\n  " + "\n  ".join(complaints))


def blend(source, target, **other):
    return Blend((source.split(), target.split()), **other)


TINY = {
    "four-levels": {
        "replace": (Edit("a dog sitting on the mat"), [WindowsOverSteps]),
        "replace-longer": (Edit("a green sitting on the mat", cross=0.9, self=0.3), [TailInPlace, WholeShares]),
        "refine": (Edit("a big cat and a dog on the mat", "refine", cross=0.6, self=(0.2, 0.8)), []),
        "windows": (Edit("a green sitting in the hat", cross=(0.2, 0.9), cross_words={"green": 0.4, "hat": (0.3, 0.8)}), []),
        "self-limit": (Edit("a fox sitting on the mat", self=0.7, self_limit=64), []),
        "emphasis": (Edit("a big red fox", "refine", cross=0.7, emphasis={"fox": 2.0, "a": -1.0}), [EmphasisAlways]),
        "blend": (
            Edit("a lion sitting on the mat", blend=blend("cat", "lion", thresholds=(0.83, 0.3))),
            [BlendAtLastStep, Unpooled],
        ),
        "blend-emphasis": (
            Edit(
                "a lion sitting on the hat",
                emphasis={"hat": 3.0},
                blend=blend("cat mat", "lion hat", thresholds=(0.83, 0.7), subtract=(["on"], ["on"]), start=0.4),
            ),
            [BlendByOwnMaps, BlendByTarget],
        ),
    },
    "linear-v": {
        "replace": (Edit("a green sitting with the hat", self=0.8), [TailInPlace]),
        "refine": (Edit("a big lion and a dog on the mat", "refine", cross=0.6, self=0.8), []),
        "blend": (
            Edit("a big red dog sitting on the mat", "refine", blend=blend("cat", "dog", thresholds=(0.88, 0.3))),
            [BlendByMiddle],
        ),
    },
    "plain-first": {
        "replace": (Edit("a green sitting with the hat"), [TailInPlace]),
        "refine": (Edit("a big lion and a dog on the mat", "refine", cross=0.6, self=(0.2, 0.8)), []),
        "blend": (
            Edit("a lion sitting on the mat", blend=blend("cat", "lion", thresholds=(0.72, 0.3))),
            [BlendByMiddle, BlendAtLastStep],
        ),
    },
    "sharded": {
        "replace": (Edit("a red fox in with hat"), [WindowsOverSteps]),
        "refine-emphasis": (Edit("a big red cat", "refine", emphasis={"red": -2.0}), []),
        "blend": (Edit("a fox sitting on the mat", blend=blend("cat", "fox", thresholds=(0.7, 0.3))), []),
    },
}

SCENE = "next to a panda on a white background"
EMOJI = {
    "replace-shorter": (Edit(f"a lemon {SCENE}", cross=0.75), [TailInPlace, MeanShares, WindowsOverSteps]),
    "replace-even": (Edit(f"a hamburger {SCENE}"), []),
    "replace-longer": (Edit(f"an octopus {SCENE}"), [TailInPlace, WholeShares]),
    "replace-two": (Edit("a watermelon next to an octopus on a green background", cross=0.9), [TailInPlace]),
    "refine-color": (Edit(f"a purple donut {SCENE}", "refine", cross=0.6, self=0.3), []),
    "refine-style": (Edit(f"a pixel art of a donut {SCENE}", "refine", cross=(0.1, 0.5), self=(0.2, 0.7)), []),
    "refine-shorter": (Edit("a sunflower on a white background", "refine", cross=0.5, self=0.2), []),
    "windows-replace": (
        Edit("a donut next to a tiger on a blue background", cross=0.9, cross_words={"tiger": 0.2, "blue": (0.3, 0.6)}),
        [],
    ),
    "windows-refine": (
        Edit(f"a big donut {SCENE}", "refine", cross=1.0, cross_words={"donut": 0.3, "panda": (0.7, 1.0)}, self=0.3),
        [],
    ),
    "self-limit": (Edit(f"a sunflower {SCENE}", self=0.8, self_limit=64), []),
    "emphasis-replace": (Edit(f"a hamburger {SCENE}", cross=0.5, emphasis={"hamburger": 3.0}), [EmphasisAlways]),
    "emphasis-refine": (
        Edit(f"a red donut {SCENE}", "refine", self=0.3, emphasis={"red": 2.0, "panda": -1.0}),
        [EmphasisAlways],
    ),
    "emphasis-alone": (Edit(f"a donut {SCENE}", self=0, cross=0.8, emphasis={"panda": 4.0}), []),
    "blend-default": (
        Edit("a donut next to a panda on a blue background", blend=blend("background", "background")),
        [BlendByMiddle, Unpooled],
    ),
    "blend-one": (
        Edit(
            "a hamburger next to a panda on a blue background",
            blend=blend("donut", "hamburger", thresholds=(0.25, 0.3)),
        ),
        [BlendByMiddle, Unpooled],
    ),
    "blend-several": (
        Edit(
            "a watermelon next to a tiger on a blue background",
            blend=blend("donut panda", "watermelon tiger", thresholds=(0.5, 0.3)),
        ),
        [BlendAtLastStep],
    ),
    "blend-subtract": (
        Edit(
            "a donut next to a cat on a green background",
            blend=blend("donut background", "donut background", thresholds=(0.3, 0.6), subtract=(["panda"], ["cat"])),
        ),
        [],
    ),
    "blend-late": (
        Edit(
            "an octopus next to a tiger on a green background",
            blend=blend("donut", "octopus", thresholds=(0.6, 0.3), start=0.7),
        ),
        [],
    ),
    "blend-refine": (
        Edit(
            "a donut next to a big tiger on a green background",
            "refine",
            cross=0.6,
            self=0.3,
            emphasis={"tiger": 4.0},
            blend=blend("donut panda", "donut tiger", thresholds=(0.7, 0.3)),
        ),
        [BlendByOwnMaps, BlendByTarget],
    ),
}
