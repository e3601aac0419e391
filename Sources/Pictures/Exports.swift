// Whoever reads pictures meets the errors of reading them.
@_exported public import InputOutput
