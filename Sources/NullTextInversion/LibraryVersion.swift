/// The version of this library, as inversions record it.
public let libraryVersion = "0.1.0"
