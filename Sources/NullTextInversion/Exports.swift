// Importing this module is enough for inversions, edits, masks and maps: it re-exports models, images and tensors.
@_exported public import DiffusionCore

@_exported public import enum Tensor.Parallel
@_exported public import struct Tensor.Tensor
