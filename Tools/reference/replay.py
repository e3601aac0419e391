"""Edits of a stored source: its latents are given, and its attention is recomputed from them."""

import torch

from reference.control import Control, Processor
from reference.inversion import guided


class Replay:
    """Prompt-to-prompt that samples only the target. Latents go from noise to picture, one more than the steps."""

    def __init__(self, model, source, caption, edit, guidance, null=None, kind=Control):
        self.model, self.source, self.guidance = model, source, guidance
        self.steps = len(source) - 1
        self.empty = model.embed("")
        self.null = [self.empty] * self.steps if null is None else null  # of the target, per step
        self.caption = model.embed(caption)
        self.contexts = torch.cat([self.caption, model.embed(edit.prompt)])
        self.control = kind(model, caption, edit, self.steps, *source[0].shape[2:])

    def noises(self, t, source, target):
        """Returns the source's noise under the caption and the target's under its prompt, with controlled
        attention."""
        unet = self.model.unet
        plain = unet.attn_processors
        unet.set_attn_processor({name: Processor(name, self.control) for name in plain})
        try:
            return self.model.noise(torch.cat([source, target]), t, self.contexts).chunk(2)
        finally:
            unet.set_attn_processor(dict(plain))

    def timesteps(self):
        return self.model.set_steps(self.steps)

    def step(self, i, t, x):
        """Returns the target's latent after a step."""
        _, edited = self.noises(t, self.source[i], x)
        null = self.model.noise(x, t, self.null[i])
        return self.model.down(x, guided(null, edited, self.guidance), t)

    @torch.no_grad()
    def walk(self):
        """Returns the target's latents; those after a step include blending."""
        path = [self.source[0]]
        for i, t in enumerate(self.timesteps()):
            path.append(self.control.after(self.source[i + 1], self.step(i, t, path[-1])))
        return path


def toward_empty(null, empty, share, start, end):
    """Returns the steps' null embeddings, mixed in a window with the empty text's embedding, which has the weight
    `share`."""
    window = range(int(start * len(null)), int(end * len(null)))
    return [(1 - share) * e + share * empty if i in window else e for i, e in enumerate(null)]
