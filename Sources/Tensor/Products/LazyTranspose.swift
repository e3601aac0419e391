/// The transpose of a packed matrix, computed when a gradient first needs it.
final class LazyTranspose: Sendable {
  private let original: PackedMatrix
  private let made = Lock<PackedMatrix?>(nil)

  init(_ original: PackedMatrix) { self.original = original }

  /// Returns the transpose.
  func matrix() -> PackedMatrix {
    made.withLock { made in
      if let made { return made }
      let matrix = original.transposed()
      made = matrix
      return matrix
    }
  }
}
