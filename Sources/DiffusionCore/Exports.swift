// A model takes and gives pictures.
@_exported public import Pictures
