"""A checkpoint in the diffusers layout, with its networks and noise schedule."""

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
    """The networks of a Stable Diffusion checkpoint, and DDIM steps with its schedule.

    Latents are [n, c, h, w], contexts [n, 77, d]. Files in half precision are computed in `dtype`.
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
        """Returns the 77 token ids of a text, padded as the checkpoint states."""
        coded = self.tokenizer(text, padding="max_length", max_length=77, return_tensors="pt")
        if coded.input_ids.shape[1] != 77:
            raise ValueError(f"'{text}' has more than 77 tokens")
        return coded.input_ids

    @torch.no_grad()
    def embed(self, text):
        """Returns the context of a text: the encoder's last state after its final norm, without a mask, [1, 77,
        d]."""
        return self.text(self.ids(text)).last_hidden_state

    # Pictures

    def prepare(self, path):
        """Returns a picture as the model's input: the center square resized to the model's size, [1, 3, h, w] in
        -1...1."""
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
        """Returns the scaled mean latent of a picture in -1...1."""
        return self.vae.encode(picture).latent_dist.mean * self.scale

    @torch.no_grad()
    def decode(self, latent):
        """Returns the picture of a scaled latent, in about -1...1, not clamped."""
        return self.vae.decode(latent / self.scale).sample

    def render(self, latent):
        """Returns the picture of a latent in 0...255, truncated as in the published code, [h, w, 3] uint8."""
        unit = (self.decode(latent)[0] / 2 + 0.5).clamp(0, 1)
        return (unit.permute(1, 2, 0) * 255).to(torch.uint8)

    # Noise schedule

    def set_steps(self, count):
        """Sets the number of steps and returns the timesteps from noise to picture."""
        self.scheduler.set_timesteps(count)
        self.stride = self.scheduler.config.num_train_timesteps // count
        return self.scheduler.timesteps.tolist()

    def level(self, t):
        """Returns ᾱ at a timestep; below 0, the final ᾱ of the checkpoint."""
        return self.abar[t] if t >= 0 else self.scheduler.final_alpha_cumprod

    def to_noise(self, output, z, alpha):
        """Returns the noise in `z`, which is at level `alpha`, from the network's output."""
        return alpha.sqrt() * output + (1 - alpha).sqrt() * z if self.uses_v else output

    def move(self, z, noise, a, b):
        """Returns the latent after a DDIM step from level `a` to level `b` with a noise estimate."""
        clean = (z - (1 - a).sqrt() * noise) / a.sqrt()
        return b.sqrt() * clean + (1 - b).sqrt() * noise

    def noise(self, z, t, context, level=None):
        """Returns the noise estimate for a latent; `level` is its noise level if that is not the level of `t`."""
        output = self.unet(z, t, encoder_hidden_states=context).sample
        return self.to_noise(output, z, self.level(t) if level is None else level)

    def down(self, z, noise, t):
        """Returns the latent after one step toward the picture."""
        return self.move(z, noise, self.level(t), self.level(t - self.stride))

    def up(self, z, noise, t):
        """Returns the latent after one step toward noise, to timestep `t`."""
        return self.move(z, noise, self.level(t - self.stride), self.level(t))
