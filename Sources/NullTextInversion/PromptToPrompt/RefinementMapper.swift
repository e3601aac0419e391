/// The alignment of target tokens with source tokens for added, removed or changed words.
///
/// The token sequences are aligned globally with the scores 1 for a match, -1 for a mismatch and 0 for a gap, so a
/// changed word always counts as new. Among alignments with equal scores, the backward trace prefers to skip target
/// tokens, then source tokens. Padding tokens after the target's end token map to the same position of the source.
package struct RefinementMapper: Sendable, Equatable {
  /// For each target token, the index of the corresponding source token, or -1 for a new token.
  package let sources: [Int]

  /// For each target token, 1 if it uses the source's attention, 0 if it is new and uses its own.
  package let alphas: [Float]

  /// Aligns `source` and `target`, padded to `length` tokens.
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
