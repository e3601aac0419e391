/// Byte-pair encoding of words (Sennrich, Haddow and Birch 2016).
///
/// It repeatedly merges the pair of neighbors with the lowest rank, until no pair can be merged.
struct BytePairEncoder: Sendable {
  /// The suffix of the last symbol of a word.
  static let endOfWord = "</w>"

  private struct Pair: Hashable {
    let left: Int32
    let right: Int32
  }

  private struct Merge {
    let rank: Int32
    let result: Int32
  }

  /// The tokens of each byte inside a word, and at the end of one; the unknown token for missing ones.
  private let inner: [Int32]
  private let last: [Int32]
  private let merges: [Pair: Merge]

  /// - Parameters:
  ///   - vocabulary: The ids of the tokens.
  ///   - merges: Pairs of tokens, in the order of their ranks.
  ///   - unknown: The id of the unknown token.
  ///   - path: The path of the merges for messages.
  /// - Throws: `InputError(.malformed)` if the vocabulary lacks a token that a merge uses or creates.
  init(vocabulary: [String: Int], merges: [(String, String)], unknown: Int, path: String) throws {
    func id(_ token: String) throws -> Int32 {
      guard let id = vocabulary[token] else {
        throw InputError(
          .malformed,
          "The merges of \(path) use the token \"\(token)\", which is not in the vocabulary. The two files "
            + "do not belong together.")
      }
      return Int32(truncatingIfNeeded: id)
    }
    let characters = ByteAlphabet.characters
    inner = characters.map { Int32(truncatingIfNeeded: vocabulary[String($0)] ?? unknown) }
    last = characters.map { Int32(truncatingIfNeeded: vocabulary["\($0)\(Self.endOfWord)"] ?? unknown) }
    var table: [Pair: Merge] = [:]
    table.reserveCapacity(merges.count)
    for (rank, (left, right)) in merges.enumerated() {
      let pair = try Pair(left: id(left), right: id(right))
      table[pair] = Merge(rank: Int32(truncatingIfNeeded: rank), result: try id(left + right))
    }
    self.merges = table
  }

  /// Returns the tokens of a word, with the number of bytes of each.
  func encode(_ word: some Collection<UInt8>) -> [(id: Int, byteCount: Int)] {
    var symbols = word.map { (id: inner[Int($0)], byteCount: 1) }
    guard let lastByte = word.reversed().first else { return [] }
    symbols[symbols.count - 1].id = last[Int(lastByte)]

    var possible = zip(symbols, symbols.dropFirst()).map { merge($0.id, $1.id) }
    while let rank = possible.lazy.compactMap({ $0?.rank }).min() {
      // Apply all merges of this rank in one pass, unless one of them enables a merge with a lower rank.
      var (kept, keptPossible): ([(id: Int32, byteCount: Int)], [Merge?]) = ([], [])
      var index = 0
      var isInterrupted = false
      while index < symbols.count {
        var symbol = symbols[index]
        if !isInterrupted, index < possible.count, let merge = possible[index], merge.rank == rank {
          symbol = (merge.result, symbol.byteCount + symbols[index + 1].byteCount)
          index += 1
          if let previous = kept.last {
            let before = self.merge(previous.id, symbol.id)
            keptPossible[keptPossible.count - 1] = before
            if let before, before.rank < rank { isInterrupted = true }
          }
          if index + 1 < symbols.count {
            possible[index] = self.merge(symbol.id, symbols[index + 1].id)
            if let after = possible[index], after.rank < rank { isInterrupted = true }
          }
        }
        kept.append(symbol)
        if index < possible.count { keptPossible.append(possible[index]) }
        index += 1
      }
      (symbols, possible) = (kept, keptPossible)
    }
    return symbols.map { (Int($0.id), $0.byteCount) }
  }

  private func merge(_ left: Int32, _ right: Int32) -> Merge? { merges[Pair(left: left, right: right)] }
}
