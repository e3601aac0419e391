/// A text that is one token wherever it stands, whatever its letters would make.
struct AddedToken: Sendable, Equatable {
  let content: String
  let id: Int

  /// Whether it is looked for in the normalized text; otherwise it must be written exactly so.
  let isNormalized: Bool
}

/// Finds added tokens: the leftmost, and the longest of those that begin at one place.
struct AddedTokenFinder: Sendable {
  /// What is looked for, longest first.
  private let patterns: [(scalars: [Unicode.Scalar], id: Int)]

  init(_ patterns: [(scalars: [Unicode.Scalar], id: Int)]) {
    self.patterns = patterns.filter { !$0.scalars.isEmpty }.sorted { $0.scalars.count > $1.scalars.count }
  }

  /// A part of a text: an added token, or what lies between two.
  struct Piece {
    let range: Range<Int>
    let id: Int?
  }

  /// The text in pieces, none of them empty.
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
