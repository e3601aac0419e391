/// The version of this library, stored in inversion files.
public let libraryVersion = "0.2.0"
