// Importing this module is enough for inversions and edits as well.
@_exported public import NullTextInversion
