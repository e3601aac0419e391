"""A checkpoint in diffusers layout, its networks and its noise schedule."""

import pathlib

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer

diffusers.logging.set_verbosity_error()
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


class Model:
    """The networks of a Stable Diffusion checkpoint, and DDIM steps on its schedule.

    Latents are [n, c, h, w], contexts [n, 77, d]; files of half precision are computed in `dtype`.
    """

    def __init__(self, folder, dtype=torch.float32):
        folder = pathlib.Path(folder)
        self.dtype = dtype
        self.tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
        self.text = self._load(CLIPTextModel, folder, "text_encoder", "model")
        self.unet = self._load(UNet2DConditionModel, folder, "unet", "diffusion_pytorch_model")
        self.vae = self._load(AutoencoderKL, folder, "vae", "diffusion_pytorch_model")
        self.scheduler = DDIMScheduler.from_pretrained(folder, subfolder="scheduler")
        self.abar = self.scheduler.alphas_cumprod
        self.scale = self.vae.config.scaling_factor
        self.uses_v = self.scheduler.config.prediction_type == "v_prediction"
        self.stride = None

    def _load(self, kind, folder, part, name):
        plain = any((folder / part / f"{name}.safetensors{end}").exists() for end in ("", ".index.json"))
        network = kind.from_pretrained(folder, subfolder=part, variant=None if plain else "fp16")
        return network.to(self.dtype).eval().requires_grad_(False)

    # Text

    def ids(self, text):
        """The 77 token ids of a text, padded as the checkpoint says."""
        coded = self.tokenizer(text, padding="max_length", max_length=77, return_tensors="pt")
        if coded.input_ids.shape[1] != 77:
            raise ValueError(f"'{text}' has more than 77 tokens")
        return coded.input_ids

    @torch.no_grad()
    def embed(self, text):
        """The context of a text: the encoder's last state after its final norm, no mask, [1, 77, d]."""
        return self.text(self.ids(text)).last_hidden_state

    # Pictures

    def prepare(self, path):
        """A picture as the model sees it: the middle square at the model's size, [1, 3, h, w] in -1...1."""
        picture = Image.open(path).convert("RGB")
        side = self.unet.config.sample_size * 2 ** (len(self.vae.config.block_out_channels) - 1)
        short = min(picture.size)
        left, top = (picture.width - short) // 2, (picture.height - short) // 2
        picture = picture.crop((left, top, left + short, top + short))
        if short != side:
            picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).reshape(side, side, 3)
        return pixels.permute(2, 0, 1)[None].to(self.dtype) / 127.5 - 1

    @torch.no_grad()
    def encode(self, picture):
        """The scaled mean latent of a picture in -1...1."""
        return self.vae.encode(picture).latent_dist.mean * self.scale

    @torch.no_grad()
    def decode(self, latent):
        """The picture of a scaled latent, in -1...1 and beyond."""
        return self.vae.decode(latent / self.scale).sample

    def render(self, latent):
        """The picture of a latent in 0...255, truncated as published, [h, w, 3] uint8."""
        unit = (self.decode(latent)[0] / 2 + 0.5).clamp(0, 1)
        return (unit.permute(1, 2, 0) * 255).to(torch.uint8)

    # Noise schedule

    def set_steps(self, count):
        """The timesteps of a run from noise to picture."""
        self.scheduler.set_timesteps(count)
        self.stride = self.scheduler.config.num_train_timesteps // count
        return self.scheduler.timesteps.tolist()

    def level(self, t):
        """The signal share at a timestep; below 0 the checkpoint's final one."""
        return self.abar[t] if t >= 0 else self.scheduler.final_alpha_cumprod

    def to_noise(self, output, z, alpha):
        """The noise in `z`, which is at level `alpha`, from what the network put out."""
        return alpha.sqrt() * output + (1 - alpha).sqrt() * z if self.uses_v else output

    def move(self, z, noise, a, b):
        """DDIM: takes a latent from level `a` to level `b` along a noise estimate."""
        clean = (z - (1 - a).sqrt() * noise) / a.sqrt()
        return b.sqrt() * clean + (1 - b).sqrt() * noise

    def noise(self, z, t, context, level=None):
        """The noise estimate for a latent; `level` is where it is if not at `t`."""
        output = self.unet(z, t, encoder_hidden_states=context).sample
        return self.to_noise(output, z, self.level(t) if level is None else level)

    def down(self, z, noise, t):
        """One step towards the picture."""
        return self.move(z, noise, self.level(t), self.level(t - self.stride))

    def up(self, z, noise, t):
        """One step towards the noise, to timestep `t`."""
        return self.move(z, noise, self.level(t - self.stride), self.level(t))
