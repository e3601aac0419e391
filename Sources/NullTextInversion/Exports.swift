@_exported public import DiffusionCore
