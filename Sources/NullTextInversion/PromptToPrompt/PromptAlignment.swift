internal import Tensor

/// The alignment of the target prompt's tokens with the source prompt's.
package enum PromptAlignment: Sendable, Equatable {
  /// Words are replaced one by one.
  case replacement(ReplacementMapper)
  /// The target's tokens are those of the source with additions and omissions.
  case refinement(RefinementMapper)

  /// Aligns two prompts.
  ///
  /// - Throws: `InputError` of kind `mismatch` if replacement is selected and the prompts have different numbers of
  ///   words.
  package init(source: PromptWords, target: PromptWords, controller: ControllerChoice, length: Int)
    throws
  {
    switch controller.resolved(source: source, target: target) {
    case .auto, .replace: self = .replacement(try ReplacementMapper(from: source, to: target, length: length))
    case .refine: self = .refinement(RefinementMapper(from: source.prompt, to: target.prompt, length: length))
    }
  }

  /// For each token of the target: the source tokens it reads with their shares, and the share of its own attention.
  package var shares: [(sources: [(token: Int, share: Float)], own: Float)] {
    switch self {
    case .replacement(let mapper):
      let (rows, columns) = mapper.matrix.shape2
      let matrix = mapper.matrix.scalars
      return (0..<columns).map { column in
        let read = (0..<rows).map { (token: $0, share: matrix[$0 * columns + column]) }
        return (read.filter { $0.share != 0 }, 0)
      }
    case .refinement(let mapper):
      return zip(mapper.sources, mapper.alphas).map { source, alpha in
        alpha == 0 ? ([], 1) : ([(source, alpha)], 1 - alpha)
      }
    }
  }
}
