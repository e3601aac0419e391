"""Golden files: safetensors in F32 without a batch axis, with texts and settings in the metadata."""

import json

import torch
from safetensors.torch import save


def exact(tensor):
    """Returns the values rounded to single precision as stored, so that both sides compute with the same inputs."""
    return tensor.float().to(tensor.dtype)


class Golden:
    """The tensors and metadata of one file."""

    def __init__(self):
        self.tensors = {}
        self.remarks = {"format": "pt"}

    def add(self, prefix, **values):
        for name, value in values.items():
            tensor = torch.as_tensor(value).detach()
            if tensor.dim() > 2 and tensor.shape[0] == 1:
                tensor = tensor[0]
            if not tensor.isfinite().all():
                raise ValueError(f"{prefix}.{name} is not finite")
            self.tensors[f"{prefix}.{name}" if prefix else name] = tensor.float().contiguous().clone()

    def remark(self, **texts):
        self.remarks.update({name: str(text) for name, text in texts.items()})

    def save(self, path):
        # Sorted, unlike the library's metadata, so that the same values give the same bytes.
        data = save(dict(sorted(self.tensors.items())))
        length = int.from_bytes(data[:8], "little")
        header = {"__metadata__": self.remarks, **json.loads(data[8 : 8 + length])}
        text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
        print(f"{path}: {path.stat().st_size / 1000:.0f} KB, {len(self.tensors)} tensors", flush=True)


class Random:
    """Normally distributed single-precision numbers, converted to the precision of a model."""

    def __init__(self, seed, dtype):
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = dtype

    def normal(self, *shape):
        return torch.randn(shape, generator=self.generator).to(self.dtype)

    def picture(self, height, width):
        """Returns noise in -1...1 on the grid of 8-bit pixels."""
        pixels = torch.randint(0, 256, (1, 3, height, width), generator=self.generator)
        return pixels.to(self.dtype) / 127.5 - 1
