"""InfEdit (Xu et al. 2024): editing without inversion, for consistency models."""

from reference.inversion import guided
from reference.pivots import blur, draw
from reference.replay import Replay


def timesteps(model, steps):
    """Returns timesteps spread evenly over the 50 timesteps of the distillation, noisiest first."""
    stride = model.scheduler.config.num_train_timesteps // 50
    return [stride * (50 - 50 * i // steps) - 1 for i in range(steps)]


class InfEdit(Replay):
    """Source and target share new noise at each level. The source is the picture's latent `z` with that noise."""

    def __init__(self, model, z, caption, edit, steps, guidance, seed, **other):
        self.z, self.times = z, timesteps(model, steps)
        self.noise = draw(seed, steps, z)
        source = [blur(z, n, model.level(t)) for t, n in zip(self.times, self.noise)]
        super().__init__(model, [*source, z], caption, edit, guidance, **other)

    def timesteps(self):
        return self.times

    def clean(self, i, t, x):
        """Returns the step's estimate of the target's clean latent; the source's noise estimate and latent cancel
        the errors."""
        source = self.source[i]
        level = self.model.level(t).double()
        own, edited = self.noises(t, source, x)
        if self.guidance != 1:
            edited = guided(self.model.noise(x, t, self.null[i]), edited, self.guidance)
        return self.z + (x - source - (1 - level).sqrt() * (edited - own)) / level.sqrt()

    def step(self, i, t, x):
        clean = self.clean(i, t, x)
        if i + 1 == self.steps:
            return clean
        return blur(clean, self.noise[i + 1], self.model.level(self.times[i + 1]))
