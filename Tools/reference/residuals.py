"""Edits that add the residuals of the source's own steps: edit-friendly DDPM (Huberman-Spiegelglas et al. 2024)
and h-Edit (Nguyen et al. 2025)."""

from reference.inversion import guided
from reference.pivots import levels
from reference.replay import Replay


def factors(model, t, random):
    """Returns the factors of the latent and of the noise estimate in a step's mean. `random` reserves variance for
    the noise of DDPM."""
    here, there = levels(model, t)
    variance = (1 - there) / (1 - here) * (1 - here / there) if random else 0
    of_latent = (there / here).sqrt()
    return of_latent, (1 - there - variance).clamp(min=0).sqrt() - of_latent * (1 - here).sqrt()


class EditFriendly(Replay):
    """Edit-friendly DDPM, with a separate guidance scale for the source."""

    random = True

    def __init__(self, model, source, caption, edit, guidance, source_guidance, **other):
        super().__init__(model, source, caption, edit, guidance, **other)
        self.source_guidance = source_guidance

    def mean(self, x, noise, t):
        of_latent, of_noise = factors(self.model, t, self.random)
        return of_latent * x + of_noise * noise

    def step(self, i, t, x):
        z, landing = self.source[i : i + 2]
        own, edited = self.noises(t, z, x)
        own = guided(self.model.noise(z, t, self.empty), own, self.source_guidance)
        edited = guided(self.model.noise(x, t, self.null[i]), edited, self.guidance)
        return self.mean(x, edited, t) + landing - self.mean(z, own, t)


class HEdit(EditFriendly):
    """The explicit form: the correction is computed at the latent and timestep at the start of the step."""

    def __init__(self, *positional, random, **other):
        super().__init__(*positional, **other)
        self.random = random

    def correction(self, t, source, x, null):
        _, edited = self.noises(t, source, x)
        original, null = self.model.noise(x, t, self.caption), self.model.noise(x, t, null)
        return self.guidance * (edited - null) - self.source_guidance * (original - null)

    def correct(self, i, t, x, base):
        return self.correction(t, self.source[i], x, self.null[i])

    def step(self, i, t, x):
        z, landing = self.source[i : i + 2]
        residual = landing - self.mean(z, self.model.noise(z, t, self.caption), t)
        base = self.mean(x, self.model.noise(x, t, self.caption), t) + residual
        return base + factors(self.model, t, self.random)[1] * self.correct(i, t, x, base)


class ImplicitHEdit(HEdit):
    """The implicit form: the correction is computed at the uncorrected latent, at the timestep at the end of the
    step."""

    def correct(self, i, t, x, base):
        return self.correction(max(t - self.model.stride, 0), self.source[i + 1], base, self.null[i])
