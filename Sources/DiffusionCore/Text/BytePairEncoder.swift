/// Byte-pair encoding of words (Sennrich, Haddow, Birch 2016).
///
/// Of all neighbours in a word, those that were merged first when the vocabulary was made are merged first, until no
/// two can be.
struct BytePairEncoder: Sendable {
  /// What ends the last symbol of each word.
  static let endOfWord = "</w>"

  private struct Pair: Hashable {
    let left: Int32
    let right: Int32
  }

  private struct Merge {
    let rank: Int32
    let result: Int32
  }

  /// The token of each byte inside a word, and of each at the end of one; the unknown token where there is none.
  private let inner: [Int32]
  private let last: [Int32]
  private let merges: [Pair: Merge]

  /// - Parameters:
  ///   - merges: two tokens each, the first merge first.
  ///   - path: names the file with the merges in messages.
  /// - Throws: `InputError(.malformed)` if a merge is of tokens, or makes one, that the vocabulary lacks.
  init(vocabulary: [String: Int], merges: [(String, String)], unknown: Int, path: String) throws {
    func id(_ token: String) throws -> Int32 {
      guard let id = vocabulary[token] else {
        throw InputError(
          .malformed,
          "The merges of \(path) use the token \"\(token)\", which the vocabulary lacks. The two files "
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

  /// The tokens of a word, and how many of its bytes each stands for.
  func encode(_ word: some Collection<UInt8>) -> [(id: Int, byteCount: Int)] {
    var symbols = word.map { (id: inner[Int($0)], byteCount: 1) }
    guard let lastByte = word.reversed().first else { return [] }
    symbols[symbols.count - 1].id = last[Int(lastByte)]

    var possible = zip(symbols, symbols.dropFirst()).map { merge($0.id, $1.id) }
    while let rank = possible.lazy.compactMap({ $0?.rank }).min() {
      // All merges of this rank in one pass over the word, unless one of them makes an earlier one possible.
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
