internal import DiffusionCore
internal import Foundation
internal import Tensor

/// Negative-prompt inversion: the caption's own embedding as the null embedding of every step.
///
/// Miyake et al. 2023, arXiv 2305.16807; equation 8 is the interpolation.
public struct NegativePrompt: Sendable, Hashable {
  /// How far to go from the caption's embedding (0) to that of the empty text (1), along the great circle between them.
  public var interpolation: Double

  /// Settings; by default there is no interpolation.
  public init(interpolation: Double = 0) { self.interpolation = interpolation }
}

extension NegativePrompt: InversionWalk {
  func validate(steps: Int) throws(InputError) {
    try InputError.require(
      (0...1).contains(interpolation), "interpolation \(interpolation): ask for 0 to 1.")
  }

  /// Where guidance cancels, one evaluation makes a step.
  func mostEvaluations(steps: Int) -> EvaluationCount {
    interpolation == 0 ? .singleSteps(steps) : .guidedSteps(steps)
  }

  func complete(_ unfinished: inout UnfinishedInversion, along walk: GuidedWalk) throws {
    let null = walk.emptyEmbedding.interpolated(from: walk.captionEmbedding, by: interpolation)
    try walk.complete(&unfinished, null: null, cancels: interpolation == 0)
  }
}

extension Tensor {
  /// Along the great circle from `start` (0) to this tensor (1), row by row.
  fileprivate func interpolated(from start: Tensor, by share: Double) -> Tensor {
    guard share > 0 else { return start }
    return Tensor(
      stacking: (0..<shape[0]).map { row in
        let (a, b) = (start[row], self[row])
        let cosine = Double(a.dot(b)) / (Double(a.norm) * Double(b.norm))
        // Rows that point the same way lie on no circle of their own.
        guard cosine.isFinite, abs(cosine) < 0.9995 else {
          return .combination(Float(1 - share), a, Float(share), b)
        }
        let angle = acos(cosine)
        return .combination(
          Float(sin((1 - share) * angle) / sin(angle)), a, Float(sin(share * angle) / sin(angle)), b)
      })
  }
}
