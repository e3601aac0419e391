"""methods-NAME-FAMILY.safetensors: pivots and edits of other published methods, from the latent of inversion-NAME.

As for the other edits, each is repeated with plausible mistakes, and the script fails if a result is too close
to the right one. It also fails if an edit to the caption itself, at the source's own guidance, does not
reproduce the source.
"""

import dataclasses
import itertools
import json

import torch
from diffusers.models.attention_processor import Attention

from golden.edits import NEAR, as_json, read_inversion
from golden.store import Golden, exact
from reference import pivots
from reference.control import Blend, Edit, sample
from reference.infedit import InfEdit, timesteps
from reference.inversion import advance, guided
from reference.measure import relative_error
from reference.replay import Replay, toward_empty
from reference.residuals import EditFriendly, HEdit, ImplicitHEdit, factors

ALIKE = 1e-3  # relative to a latent: the minimum distance of a wrong result
ROUNDING = 1e-4  # relative to a latent: the maximum error of single precision
SAME = 1e-9
STEPS = 8
EDIT = Edit("a big red dog sitting on the mat", "refine", cross=0.4, self=0.6)
SEED = 7
LOW = 0.5  # the guidance of a source that is sampled


# Wrong pivots


def keep_the_one_before(model, landing, t, context, most, tolerance):
    """Returns the latent before the last iteration."""
    _, moves = pivots.solve(model, landing, t, context, most, tolerance)
    found = pivots.iterates(model, landing, t, context)
    return next(itertools.islice(found, len(moves) - 1, None)), moves


def start_at_the_landing(model, landing, t, context, most, tolerance):
    """The iteration starts at the previous latent instead of the DDIM inversion step."""
    found = itertools.chain([landing], pivots.iterates(model, landing, t, context))
    return pivots.settle(found, most, tolerance)


def convert_at_the_landing(model, landing, t, context, most, tolerance):
    """The network's output is converted at the lower level, as in DDIM inversion."""

    def iterates():
        z = landing
        while True:
            z = model.up(landing, model.noise(z, t, context, level=model.level(t - model.stride)), t)
            yield z

    return pivots.settle(iterates(), most, tolerance)


def average_the_unmixed(model, z, context, steps, start, length, share):
    """Each pivot is averaged with the previous one before its own averaging."""
    window = range(int(start * steps), int((start + length) * steps))
    latents, last = [z], z
    for k, t in enumerate(reversed(model.set_steps(steps))):
        new = pivots.rise(model, latents[-1], t, context)
        latents.append(share * new + (1 - share) * last if k in window else new)
        last = new
    return latents


def independent_from_picture(model, z, steps, seed):
    """The noise is drawn from the picture to the noise."""
    noises = pivots.draw(seed, steps, z)
    return [z, *(pivots.blur(z, n, model.level(t)) for n, t in zip(noises, reversed(model.set_steps(steps))))]


def one_noise(model, z, steps, seed):
    """All levels share one noise."""
    (noise,) = pivots.draw(seed, 1, z)
    return [z, *(pivots.blur(z, noise, model.level(t)) for t in reversed(model.set_steps(steps)))]


# Wrong edits


class AttentionAtTarget(EditFriendly):
    """The source's attention is computed from the target's latent."""

    def noises(self, t, source, target):
        return super().noises(t, source, target)[0], super().noises(t, target, target)[1]


class Deterministic(EditFriendly):
    """The mean reserves no variance for noise."""

    random = False


class OriginalAtSource(HEdit):
    """The caption's noise in the correction is computed from the source's latent."""

    def correction(self, t, source, x, null):
        original, edited = self.noises(t, source, x)
        null = self.model.noise(x, t, null)
        return self.guidance * (edited - null) - self.source_guidance * (original - null)


class PlainFactorInBraces(HEdit):
    """The correction has the factor of the other kind of step."""

    def correct(self, i, t, x, base):
        mine, other = (factors(self.model, t, random)[1] for random in (self.random, not self.random))
        return super().correct(i, t, x, base) * other / mine


class BracesAtNextFactor(HEdit):
    """The correction has the factor of the next step."""

    def correct(self, i, t, x, base):
        later = max(t - self.model.stride, 0)
        mine, other = (factors(self.model, t, self.random)[1] for t in (t, later))
        return super().correct(i, t, x, base) * other / mine


class BracesAtOldTimestep(ImplicitHEdit):
    """The correction is at the uncorrected latent, but at the timestep at the start of the step."""

    def correct(self, i, t, x, base):
        return self.correction(t, self.source[i + 1], base, self.null[i])


class BracesAtOldSource(ImplicitHEdit):
    """The correction uses the attention of the source's latent before the step."""

    def correct(self, i, t, x, base):
        return self.correction(max(t - self.model.stride, 0), self.source[i], base, self.null[i])


class BracesAtOldLatent(ImplicitHEdit):
    """The correction is at the timestep at the end of the step, but at the latent before it."""

    def correct(self, i, t, x, base):
        return self.correction(max(t - self.model.stride, 0), self.source[i + 1], x, self.null[i])


class ImplicitPlainFactor(PlainFactorInBraces, ImplicitHEdit):
    """The implicit correction has the factor of the other kind of step."""


class StartAtNoise(InfEdit):
    """Sampling starts at noise without the picture."""

    def __init__(self, *positional, **other):
        super().__init__(*positional, **other)
        self.source[0] = self.noise[0]


class NoiseOfItsOwn(InfEdit):
    """Source and target have different noise."""

    def __init__(self, *positional, seed, **other):
        super().__init__(*positional, seed=seed, **other)
        self.noise = pivots.draw(seed + 1, self.steps, self.z)


class SourceAtTarget(InfEdit):
    """The source's noise estimate is computed from the target's latent."""

    def noises(self, t, source, target):
        return self.model.noise(target, t, self.caption), super().noises(t, source, target)[1]


class GuidedSource(InfEdit):
    """The source is guided like the target."""

    def noises(self, t, source, target):
        own, edited = super().noises(t, source, target)
        return guided(self.model.noise(source, t, self.empty), own, self.guidance), edited


class SamplersTimesteps(InfEdit):
    """The timesteps are those of the sampler."""

    def __init__(self, model, z, *positional, steps, seed, **other):
        super().__init__(model, z, *positional, steps=steps, seed=seed, **other)
        self.times = model.set_steps(steps)
        self.source = [*(pivots.blur(z, n, model.level(t)) for t, n in zip(self.times, self.noise)), z]


# Files


def says(wrong):
    """Returns the description of a wrong implementation, from its docstring."""
    return wrong.__doc__.rstrip(".").lower()


def cast(value, dtype):
    """Returns a setting with its latents cast to a precision."""
    if isinstance(value, dict):
        return {key: cast(x, dtype) for key, x in value.items()}
    if isinstance(value, list):
        return [cast(x, dtype) for x in value]
    return value.to(dtype) if isinstance(value, torch.Tensor) else value


class File:
    """A file of golden values, with the failed requirements. `single` is the model in single precision."""

    def __init__(self, model, single, name, inversion):
        self.model, self.single, self.name, self.inversion = model, single, name, inversion
        self.caption, self.z = inversion.caption, inversion.pivots[0]
        self.golden, self.complaints = Golden(), []
        self.golden.remark(inversion=f"inversion-{name}.safetensors", caption=self.caption)

    def require(self, held, complaint):
        if not held:
            self.complaints.append(complaint)

    def add(self, title, run, wrong, whole=True, **settings):
        """Adds all latents that `run` returns for a model, or the last one. `wrong` maps names to wrong runs."""
        latents = run(self.model)
        if whole:
            self.golden.add(title, latents=torch.cat(latents))
        else:
            self.golden.add(title, latent=latents[-1])
        self.golden.remark(**{title: json.dumps(settings)})
        rounding = max(relative_error(x, y) for x, y in zip(run(self.single), latents))
        print(f"  {title}: single precision {rounding:.1e}")
        self.require(rounding < ROUNDING, f"{title}: {rounding:.1e} from rounding alone")
        for way, run_wrongly in wrong.items():
            apart = relative_error(run_wrongly(self.model)[-1], latents[-1])
            print(f"    {apart:.1e}  {way}", flush=True)
            self.require(apart > ALIKE, f"{title}: {apart:.1e} with '{way}'")
        return latents

    def way_up(self, function, *settings, texts=None):
        """Returns a run of a function of `reference/pivots.py`."""
        texts = [self.caption] if texts is None else texts
        return lambda model: function(model, self.z.to(model.dtype), *(model.embed(x) for x in texts), *settings)

    def edit(self, title, kind, edit=EDIT, wrong_kinds=(), wrong_settings=None, remarks=None, **arguments):
        """Adds the target's latents of an edit with a kind of `Replay`. `wrong_settings` maps names to wrong
        settings."""

        def make(model, kind=kind, **changes):
            chosen = {"caption": self.caption, "edit": edit} | arguments | changes
            return kind(model, **cast(chosen, model.dtype))

        def run(**changes):
            return lambda model: make(model, **changes).walk()

        change = dataclasses.replace
        wrong = {
            "no cross-attention": run(edit=change(edit, cross=0)),
            "no self-attention": run(edit=change(edit, self=0)),
        }
        if edit.blend:
            wrong["no blend"] = run(edit=change(edit, blend=None))
        wrong |= {says(kind): run(kind=kind) for kind in wrong_kinds}
        wrong |= {way: run(**changes) for way, changes in (wrong_settings or {}).items()}
        replay = make(self.model)
        replay.walk()
        margin = replay.control.margin
        self.require(margin > NEAR, f"{title}: a map is within {margin:.1e} of its threshold")
        settings = {key: x for key, x in arguments.items() if isinstance(x, (int, float))}
        return self.add(title, run(), wrong, edit=as_json(edit), **settings, **(remarks or {}))

    def same(self, title, kind, **arguments):
        """Requires that an edit to the caption, guided like the source, reproduces the source."""
        edit = dataclasses.replace(EDIT, prompt=self.caption)
        replay = kind(self.model, caption=self.caption, edit=edit, **arguments)
        apart = max(relative_error(x, y) for x, y in zip(replay.walk(), replay.source))
        print(f"  {title}: to the caption, {apart:.1e} from the source")
        self.require(apart < SAME, f"{title}: to the caption, {apart:.1e} from the source")

    def save(self, out, family):
        self.golden.save(out / f"methods-{self.name}-{family}.safetensors")
        if self.complaints:
            raise SystemExit("These fixtures do not separate right from wrong results:\n  " + "\n  ".join(self.complaints))


# Pivots


def add_fixed_points(file, title, most, tolerance, ways, counts, whole=True):
    """Adds fixed-point pivots. `ways` are wrong solvers, `counts` wrong numbers of iterations."""

    def run(most=most, solve=pivots.solve):
        return lambda model: file.way_up(pivots.fixed_points, 10, most, tolerance, solve)(model)[0]

    wrong = {says(way): run(solve=way) for way in ways} | {f"at most {n} iterations": run(n) for n in counts}
    file.add(title, run(), wrong, whole, steps=10, most=most, tolerance=tolerance)
    _, moves = file.way_up(pivots.fixed_points, 10, most, tolerance)(file.model)
    iterations = [len(made) for made in moves]
    print(f"    iterations {iterations}")
    padded = [made + [-1.0] * (max(iterations) - len(made)) for made in moves]
    file.golden.add(title, iterations=iterations, moves=padded)
    near = min(abs(move / tolerance - 1) for made in moves for move in made)
    file.require(near > 0.01, f"{title}: a move is within {near:.1%} of the tolerance")
    file.require(len(set(iterations)) > 1 or not whole, f"{title}: {iterations} iterations")


def undo_exactly(file):
    """Requires that a step that is inverted and repeated leads to the same latent."""
    model = file.model
    t = model.set_steps(10)[4]
    output = model.unet(file.z, t, encoder_hidden_states=model.embed(file.caption)).sample
    found = pivots.undo(model, file.z, output, t)
    apart = relative_error(model.down(found, model.to_noise(output, found, model.level(t)), t), file.z)
    file.require(apart < 1e-6, f"an inverted and repeated step is off by {apart:.1e}")


def add_averages(file, title, share, whole):
    def run(start=0.25, length=0.5, share=share, function=pivots.averaged):
        return file.way_up(function, STEPS, start, length, share)

    wrong = {
        "window one step early": run(start=0.125),
        "window one step late": run(start=0.375),
        "window one step shorter": run(length=0.375),
        "window one step longer": run(length=0.625),
        says(average_the_unmixed): run(function=average_the_unmixed),
    }
    if share != 0.5:
        wrong["shares swapped"] = run(share=1 - share)
    file.add(title, run(), wrong, whole, steps=STEPS, start=0.25, length=0.5, share=share)


def add_guided(file, title, guidance, whole):
    texts = [file.caption, ""]
    wrong = {"caption only": file.way_up(pivots.under_guidance, STEPS, 1, texts=texts)}
    if guidance != 0.5:
        wrong["texts swapped"] = file.way_up(pivots.under_guidance, STEPS, guidance, texts=texts[::-1])
    run = file.way_up(pivots.under_guidance, STEPS, guidance, texts=texts)
    file.add(title, run, wrong, whole, steps=STEPS, guidance=guidance)


def write_pivots(file, out, tolerance, cap):
    ways = [keep_the_one_before] + [convert_at_the_landing] * file.model.uses_v
    add_fixed_points(file, "fixed-point", 25, tolerance, ways, [0, cap])
    ways = [keep_the_one_before, start_at_the_landing]
    add_fixed_points(file, "fixed-point-capped", cap, tolerance, ways, [cap - 1, cap + 1], whole=False)
    undo_exactly(file)
    add_averages(file, "averaged", 0.5, True)
    add_averages(file, "averaged-uneven", 0.8, False)
    add_guided(file, "guided", LOW, True)
    add_guided(file, "guided-uneven", 0.3, False)
    run = file.way_up(pivots.independent, STEPS, SEED, texts=[])
    wrong = {says(independent_from_picture): file.way_up(independent_from_picture, STEPS, SEED, texts=[])}
    file.add("independent", run, wrong, steps=STEPS, seed=SEED)
    file.save(out, "pivots")


# Edits


def add_guided_edit(file):
    """Adds an edit of a source that is sampled with its own guidance."""
    model, texts = file.model, (file.caption, "")
    noisy = file.way_up(pivots.under_guidance, STEPS, LOW, texts=texts)(model)

    def walk(guidance):
        def run(model):
            context, null = (model.embed(text) for text in texts)
            return pivots.descend(model, noisy[-1].to(model.dtype), context, null, STEPS, guidance)

        return run

    source = file.add("guided-source", walk(LOW), {"caption only": walk(1)}, steps=STEPS, guidance=LOW)
    file.same("guided", Replay, source=source, guidance=LOW)
    wrong = {
        "pivots as the source": {"source": noisy[::-1]},
        "source sampled at the edit's guidance": {"source": walk(3)(model)},
        "target at the source's guidance": {"guidance": LOW},
    }
    source = [exact(z) for z in source]
    file.edit("guided", Replay, source=source, guidance=3, wrong_settings=wrong, remarks={"source_guidance": LOW})


def add_null_edit(file, title, share, window, others):
    """Adds an edit with other null embeddings for the target; `others` maps names to wrong shares and windows."""
    inversion, empty = file.inversion, file.model.embed("")
    wrong = {way: {"null": toward_empty(inversion.null, empty, *other)} for way, other in others.items()}
    wrong["pivots as the source"] = {"source": inversion.pivots[::-1]}
    wrong["guidance of the inversion"] = {"guidance": inversion.guidance}
    null = toward_empty(inversion.null, empty, share, *window)
    settings = {"source": inversion.trajectory, "null": null, "guidance": 5, "wrong_settings": wrong}
    file.edit(title, Replay, remarks={"share": share, "window": window}, **settings)


def write_replays(file, out):
    add_guided_edit(file)
    inversion, model = file.inversion, file.model
    walked = [inversion.pivots[-1]]
    for t, null in zip(model.set_steps(STEPS), inversion.null):
        walked.append(advance(model, walked[-1], t, null, model.embed(file.caption), inversion.guidance))
    settings = {"source": walked, "null": inversion.null, "guidance": inversion.guidance}
    file.same("null", Replay, **settings)
    replayed = Replay(model, caption=file.caption, edit=EDIT, **settings).walk()[-1]
    apart = relative_error(replayed, sample(model, inversion, EDIT)[1])
    file.require(apart < SAME, f"null: {apart:.1e} from an edit that samples the source")
    others = {"embeddings of the inversion": (0, 0, 1), "half": (0.5, 0, 1)}
    add_null_edit(file, "null-whole", 1, (0, 1), others)
    others = {
        "embeddings of the inversion": (0, 0, 1),
        "whole share": (1, 0.25, 1),
        "window one step early": (0.5, 0.125, 1),
        "window one step late": (0.5, 0.375, 1),
        "window one step shorter": (0.5, 0.25, 0.875),
    }
    add_null_edit(file, "null-half", 0.5, (0.25, 1), others)
    file.save(out, "replay")


def blended(threshold):
    return dataclasses.replace(EDIT, blend=Blend((["cat"], ["dog"]), thresholds=(threshold, 0.3)))


def independent_source(file):
    return [exact(z) for z in reversed(pivots.independent(file.model, file.z, STEPS, SEED))]


def write_edit_friendly(file, out):
    source = independent_source(file)
    file.same("edit-friendly", EditFriendly, source=source, guidance=3.5, source_guidance=3.5)
    for title, guidance in [("unguided", 1), ("guided", 3.5)]:
        wrong = {
            "pivots of one noise": {"source": one_noise(file.model, file.z, STEPS, SEED)[::-1]},
            "source guided like the target": {"source_guidance": 5},
        }
        if guidance != 1:
            wrong["source not guided"] = {"source_guidance": 1}
        settings = {"guidance": 5, "source_guidance": guidance, "wrong_settings": wrong, "remarks": {"seed": SEED}}
        file.edit(title, EditFriendly, source=source, wrong_kinds=[AttentionAtTarget, Deterministic], **settings)
    file.save(out, "edit-friendly")


def write_h_edit(file, out, threshold):
    settings = {"guidance": 5, "source_guidance": 4}
    source, noisy = file.inversion.pivots[::-1], independent_source(file)
    explicit = [OriginalAtSource, BracesAtNextFactor]
    implicit = [HEdit, BracesAtOldTimestep, BracesAtOldSource, BracesAtOldLatent]
    for kind in (HEdit, ImplicitHEdit):
        for random, latents in [(False, source), (True, noisy)]:
            title = f"{kind.__name__}, random {random}"
            file.same(title, kind, source=latents, guidance=4, source_guidance=4, random=random)
    guidances = {"guidances swapped": {"guidance": 4, "source_guidance": 5}}
    other = {"factors with noise": {"random": True}} | guidances
    settings |= {"source": source, "random": False, "wrong_settings": other}
    file.edit("d-explicit", HEdit, wrong_kinds=explicit, **settings)
    file.edit("d-implicit", ImplicitHEdit, wrong_kinds=implicit, **settings)
    file.edit("d-blend", ImplicitHEdit, blended(threshold), **settings)
    other = {"factors without noise": {"random": False}} | guidances
    settings |= {"source": noisy, "random": True, "wrong_settings": other, "remarks": {"seed": SEED}}
    file.edit("r-explicit", HEdit, wrong_kinds=[*explicit, PlainFactorInBraces], **settings)
    file.edit("r-implicit", ImplicitHEdit, wrong_kinds=[*implicit, ImplicitPlainFactor], **settings)
    file.save(out, "h-edit")


def write_infedit(file, out, threshold):
    settings = {"z": file.z, "seed": 12}
    file.same("infedit", InfEdit, steps=6, guidance=1, **settings)
    kinds = [NoiseOfItsOwn, SourceAtTarget, GuidedSource, SamplersTimesteps]
    if not file.model.uses_v:
        kinds.append(StartAtNoise)  # not detectable in the other model's last latent
    wrong = {"another seed": {"seed": 13}, "target not guided": {"guidance": 1}}
    for title, steps, edit in [("four", 4, EDIT), ("six", 6, EDIT), ("six-blend", 6, blended(threshold))]:
        file.edit(title, InfEdit, edit, kinds, wrong, steps=steps, guidance=2.3, **settings)
        file.golden.add(title, timesteps=timesteps(file.model, steps))
    file.save(out, "infedit")


def write(model, single, inversion_path, out, name, fixed_points, thresholds):
    """Writes the files. Golden values have the precision of `model`; `single` is the same model in single
    precision. `fixed_points` are the tolerance and the cap of iterations, `thresholds` those of blending in
    h-Edit and in InfEdit."""
    inversion = read_inversion(inversion_path, model.dtype)
    for part in model.unet.modules():
        if isinstance(part, Attention):
            part.upcast_attention = False  # no rounding to single precision
    for writer, settings in [
        (write_pivots, fixed_points),
        (write_replays, ()),
        (write_edit_friendly, ()),
        (write_h_edit, thresholds[:1]),
        (write_infedit, thresholds[1:]),
    ]:
        writer(File(model, single, name, inversion), out, *settings)


TINY = {
    "four-levels": {"fixed_points": (1e-5, 3), "thresholds": (0.88, 0.91)},
    "linear-v": {"fixed_points": (3e-4, 1), "thresholds": (0.88, 0.86)},
}
