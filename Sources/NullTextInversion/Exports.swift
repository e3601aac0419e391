// One import is enough to invert, edit, mask and map: models and pictures, and of the numbers what maps are made of.
@_exported public import DiffusionCore

@_exported public import enum Tensor.Parallel
@_exported public import struct Tensor.Tensor
