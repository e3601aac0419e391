/// The transpose of a packed matrix, made when a gradient first asks for it.
final class LazyTranspose: Sendable {
  private let original: PackedMatrix
  private let made = Lock<PackedMatrix?>(nil)

  init(_ original: PackedMatrix) { self.original = original }

  /// The transpose.
  func matrix() -> PackedMatrix {
    made.withLock { made in
      if let made { return made }
      let matrix = original.transposed()
      made = matrix
      return matrix
    }
  }
}
