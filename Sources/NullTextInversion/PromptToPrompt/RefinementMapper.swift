/// Which token of the source prompt a token of the target prompt continues, when words are added, dropped or changed.
///
/// The token sequences are aligned globally: a match scores 1, a mismatch -1, a gap nothing, so that a changed word always
/// becomes a new one. Among equal alignments the one is taken that, seen from the end, passes over tokens of the target
/// first, then over tokens of the source. Paddings behind the target's end token continue the paddings of the same position.
package struct RefinementMapper: Sendable, Equatable {
  /// For each token of the target the source's token it continues, or -1 for a new one.
  package let sources: [Int]

  /// For each token of the target 1 if it takes the source's attention, 0 if it is new and keeps its own.
  package let alphas: [Float]

  /// The alignment of `source` and `target` in sequences of `length` tokens.
  package init(from source: TokenizedPrompt, to target: TokenizedPrompt, length: Int) {
    precondition(source.count <= length && target.count <= length, "a prompt of more than \(length) tokens")
    let aligned = Self.align(source.ids, target.ids)
    sources = aligned + (aligned.count..<length)
    alphas = sources.map { $0 < 0 ? 0 : 1 }
  }

  private static func align(_ source: [Int], _ target: [Int]) -> [Int] {
    var score = Array(repeating: Array(repeating: 0, count: target.count + 1), count: source.count + 1)
    func match(_ i: Int, _ j: Int) -> Int { score[i - 1][j - 1] + (source[i - 1] == target[j - 1] ? 1 : -1) }
    for i in score.indices.dropFirst() {
      for j in score[i].indices.dropFirst() {
        score[i][j] = max(score[i][j - 1], score[i - 1][j], match(i, j))
      }
    }
    var sources = Array(repeating: -1, count: target.count)
    var (i, j) = (source.count, target.count)
    while j > 0 {
      if i == 0 || score[i][j] == score[i][j - 1] {
        j -= 1
      } else if score[i][j] == score[i - 1][j] {
        i -= 1
      } else {
        i -= 1
        j -= 1
        sources[j] = i
      }
    }
    return sources
  }
}
