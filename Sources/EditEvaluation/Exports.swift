// Programs that evaluate edits also make them.
@_exported public import NullTextInversion
