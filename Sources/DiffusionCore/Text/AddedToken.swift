/// A text that is always one token, independently of the merges.
struct AddedToken: Sendable, Equatable {
  let content: String
  let id: Int

  /// Whether it is matched in the normalized text; otherwise it must match the original text exactly.
  let isNormalized: Bool
}

/// A search for added tokens that finds the leftmost match, and the longest match at a position.
struct AddedTokenFinder: Sendable {
  /// The texts to search for, longest first.
  private let patterns: [(scalars: [Unicode.Scalar], id: Int)]

  init(_ patterns: [(scalars: [Unicode.Scalar], id: Int)]) {
    self.patterns = patterns.filter { !$0.scalars.isEmpty }.sorted { $0.scalars.count > $1.scalars.count }
  }

  /// A part of a text: an added token, or the text between two.
  struct Piece {
    let range: Range<Int>
    let id: Int?
  }

  /// Splits a text into nonempty pieces.
  func pieces(of scalars: [Unicode.Scalar]) -> [Piece] {
    var pieces: [Piece] = []
    var (begun, index) = (0, 0)
    func found(at index: Int) -> (scalars: [Unicode.Scalar], id: Int)? {
      patterns.first { $0.scalars[0] == scalars[index] && scalars[index...].starts(with: $0.scalars) }
    }
    while index < scalars.count {
      guard let token = found(at: index) else {
        index += 1
        continue
      }
      if begun < index { pieces.append(Piece(range: begun..<index, id: nil)) }
      let end = index + token.scalars.count
      pieces.append(Piece(range: index..<end, id: token.id))
      (begun, index) = (end, end)
    }
    if begun < index { pieces.append(Piece(range: begun..<index, id: nil)) }
    return pieces
  }
}
