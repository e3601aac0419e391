// Callers that read pictures need the error types of `InputOutput`.
@_exported public import InputOutput
