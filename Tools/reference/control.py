"""Prompt-to-prompt (Hertz et al. 2022): the changes that an edit makes to attention and latents, as in the
published code.

The latents of source and target are sampled side by side. Only the attention under the prompts is controlled,
not that under the null embedding.
"""

from dataclasses import dataclass, field

import torch
from torch.nn import functional

from reference.inversion import guided
from reference.words import Prompt, as_range, cross_table, emphasis, refinement_map, replacement_map


@dataclass
class Blend:
    """Restricts the edit to the words' regions in both prompts: each field is a list of source words and one of
    target words."""

    words: tuple
    subtract: tuple = ()
    thresholds: tuple = (0.3, 0.3)  # of the words, of the subtracted words
    start: float = 0.2


@dataclass
class Edit:
    """The prompt and settings of an edit. A window is (start, end) in fractions of the steps, or only an end."""

    prompt: str
    controller: str = "replace"
    cross: object = 0.8
    cross_words: dict = field(default_factory=dict)
    self: object = 0.4
    self_limit: int = 32**2  # the maximum number of positions of a layer whose self-attention is injected
    emphasis: dict = field(default_factory=dict)
    blend: Blend = None


class Control:
    """Changes the target's attention during a step, and the target's latent after it."""

    def __init__(self, model, source, edit, steps, height, width):
        self.edit, self.steps, self.step = edit, steps, 0
        self.source, self.target = Prompt(source, model.tokenizer), Prompt(edit.prompt, model.tokenizer)
        self.mapping = self.make_mapping()
        self.table = self.make_table()
        self.factors = emphasis(self.target, edit.emphasis)
        self.self_steps = range(*(int(x * steps) for x in as_range(edit.self)))
        self.mask_grid = mask_grid(model, height, width)
        self.map_sum, self.map_count = 0, 0
        self.margin = float("inf")

    def make_mapping(self):
        if self.edit.controller == "replace":
            return replacement_map(self.source, self.target)
        return refinement_map(self.source, self.target)

    def make_table(self):
        return cross_table(self.target, self.steps, self.edit.cross, self.edit.cross_words)

    # Attention

    def mapped(self, source, own):
        """Returns the source's cross-attention mapped to the target's tokens: [heads, positions, 77]."""
        if self.edit.controller == "replace":
            return source @ self.mapping.to(source.dtype)
        places, kept = (torch.tensor(x) for x in self.mapping)
        kept = kept.to(source.dtype)
        return source[:, :, places] * kept + own * (1 - kept)

    def cross(self, source, own, place):
        edited = self.mapped(source, own) * self.factors.to(source.dtype)
        share = self.table[self.step].to(source.dtype)
        edited = edited * share + own * (1 - share)
        self.note(source, edited, place)
        return edited

    def itself(self, source, own):
        taken = self.step in self.self_steps and own.shape[1] <= self.edit.self_limit
        return source if taken else own

    def note(self, source, edited, place):
        """Adds a layer's maps to those for blending; the target's are taken after the edit."""
        height, width = self.mask_grid
        if place != "mid" and source.shape[1] == height * width:
            self.map_sum = self.map_sum + torch.stack([source.sum(0), edited.sum(0)])
            self.map_count += source.shape[0]

    # Latents

    def places(self, words, pooled, threshold, shape):
        """Returns the union of the regions of the prompts' words in the target and in the source."""
        present = []
        for k, (prompt, chosen) in enumerate(zip((self.source, self.target), words)):
            tokens = sorted({p for word in chosen for p in prompt.find(word)})
            heat = self.map_sum[k][:, tokens].sum(-1) / self.map_count
            heat = heat.reshape(1, 1, *self.mask_grid)
            if pooled:
                heat = functional.max_pool2d(heat, 3, stride=1, padding=1)
            heat = functional.interpolate(heat, size=shape, mode="nearest")
            heat = heat / heat.max()
            self.margin = min(self.margin, (heat - threshold).abs().min().item())
            present.append(heat > threshold)
        return present[0] | present[1]

    def after(self, source, target):
        """Returns the target's latent after a step: the source's latent outside the words' regions."""
        self.step += 1
        blend = self.edit.blend
        if blend is None or self.step <= int(blend.start * self.steps):
            return target
        shape = target.shape[2:]
        mask = self.places(blend.words, True, blend.thresholds[0], shape)
        if blend.subtract:
            mask = mask & ~self.places(blend.subtract, False, blend.thresholds[1], shape)
        return torch.where(mask, target, source)


def mask_grid(model, height, width):
    """Returns the grid of the maps for blending: a quarter of the latent's sides, or the coarsest level with
    attention on the way down or up."""
    config = model.unet.config
    kinds = [config.down_block_types, tuple(reversed(config.up_block_types))]
    levels = {level for blocks in kinds for level, kind in enumerate(blocks) if "CrossAttn" in kind}
    level = 2 if 2 in levels else max(levels)
    return height >> level, width >> level


class Processor:
    """Explicit attention with a control. The batch is the source and the target."""

    def __init__(self, name, control):
        self.control = control
        self.place = name.split("_")[0]

    def __call__(self, attention, hidden_states, encoder_hidden_states=None, **_):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = attention.head_to_batch_dim(attention.to_q(hidden_states))
        key = attention.head_to_batch_dim(attention.to_k(context))
        value = attention.head_to_batch_dim(attention.to_v(context))
        source, own = attention.get_attention_scores(query, key).chunk(2)
        if encoder_hidden_states is None:
            own = self.control.itself(source, own)
        else:
            own = self.control.cross(source, own, self.place)
        mixed = torch.cat([source, own]) @ value
        return attention.to_out[0](attention.batch_to_head_dim(mixed))


@torch.no_grad()
def sample(model, inversion, edit, guidance=None, kind=Control):
    """Samples an inversion with an edit; returns the last latents of source and target, and the control."""
    guidance = inversion.guidance if guidance is None else guidance
    contexts = torch.cat([model.embed(inversion.caption), model.embed(edit.prompt)])
    z = torch.cat([inversion.pivots[-1]] * 2)
    steps = len(inversion.null)
    control = kind(model, inversion.caption, edit, steps, *z.shape[2:])
    plain = model.unet.attn_processors
    controlled = {name: Processor(name, control) for name in plain}
    for t, null in zip(model.set_steps(steps), inversion.null):
        null_noise = model.noise(z, t, torch.cat([null] * 2))
        model.unet.set_attn_processor(dict(controlled))
        try:
            noise = model.noise(z, t, contexts)
        finally:
            model.unet.set_attn_processor(dict(plain))
        z = model.down(z, guided(null_noise, noise, guidance), t)
        z = torch.cat([z[:1], control.after(z[:1], z[1:])])
    return z[:1], z[1:], control
