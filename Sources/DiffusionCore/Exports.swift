// The interface of a model uses the picture types of `Pictures`.
@_exported public import Pictures
