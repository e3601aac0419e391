internal import DiffusionCore
internal import Foundation
internal import Tensor

/// Negative-prompt inversion: uses the caption's embedding as the null embedding of every step.
///
/// Source: Miyake et al. 2023, arXiv 2305.16807; equation 8 is the interpolation.
public struct NegativePrompt: Sendable, Hashable {
  /// The position between the caption's embedding (0) and that of the empty text (1), by spherical interpolation.
  public var interpolation: Double

  /// Creates settings; the default is no interpolation.
  public init(interpolation: Double = 0) { self.interpolation = interpolation }
}

extension NegativePrompt: InversionWalk {
  func validate(steps: Int) throws(InputError) {
    try InputError.require(
      (0...1).contains(interpolation), "The interpolation is \(interpolation), but must be between 0 and 1.")
  }

  /// Returns one evaluation per step if guidance cancels, two otherwise.
  func mostEvaluations(steps: Int) -> EvaluationCount {
    interpolation == 0 ? .singleSteps(steps) : .guidedSteps(steps)
  }

  func complete(_ unfinished: inout UnfinishedInversion, along walk: GuidedWalk) throws {
    let null = walk.emptyEmbedding.interpolated(from: walk.captionEmbedding, by: interpolation)
    try walk.complete(&unfinished, null: null, cancels: interpolation == 0)
  }
}

extension Tensor {
  /// Returns the spherical interpolation from `start` (0) to this tensor (1), row by row.
  fileprivate func interpolated(from start: Tensor, by share: Double) -> Tensor {
    guard share > 0 else { return start }
    return Tensor(
      stacking: (0..<shape[0]).map { row in
        let (a, b) = (start[row], self[row])
        let cosine = Double(a.dot(b)) / (Double(a.norm) * Double(b.norm))
        // Nearly parallel rows are interpolated linearly, because the spherical formula is unstable.
        guard cosine.isFinite, abs(cosine) < 0.9995 else {
          return .combination(Float(1 - share), a, Float(share), b)
        }
        let angle = acos(cosine)
        return .combination(
          Float(sin((1 - share) * angle) / sin(angle)), a, Float(sin(share * angle) / sin(angle)), b)
      })
  }
}
