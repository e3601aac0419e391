internal import Foundation

/// How much noise the training put in at each timestep, and what the network predicts.
public struct NoiseSchedule: Sendable, Equatable {
  /// What the network's output means.
  public enum Prediction: String, Sendable, Codable {
    /// The noise ε.
    case epsilon
    /// The velocity √ᾱ ε − √(1−ᾱ) x₀ (Salimans and Ho 2022).
    case velocity = "v_prediction"
  }

  /// The signal level before the first timestep.
  public enum FinalAlpha: String, Sendable, Codable {
    /// ᾱ of the first timestep (`set_alpha_to_one` false).
    case first
    /// 1: no noise at all (`set_alpha_to_one` true).
    case one
  }

  /// ᾱ: the product of all 1 − β up to each timestep.
  public let alphasCumulative: [Float]
  /// What is added to every sampling timestep.
  public let stepsOffset: Int
  /// The signal level before the first timestep.
  public let finalAlpha: FinalAlpha
  /// What the network's output means.
  public let prediction: Prediction
  /// How the checkpoint asks samplers to spread their timesteps; nil if it does not say, and each has its own default.
  public let spacing: TimestepSpacing?

  /// A schedule with all of its parts given.
  public init(
    alphasCumulative: [Float], stepsOffset: Int, finalAlpha: FinalAlpha, prediction: Prediction,
    spacing: TimestepSpacing? = nil
  ) {
    self.alphasCumulative = alphasCumulative
    self.stepsOffset = stepsOffset
    self.finalAlpha = finalAlpha
    self.prediction = prediction
    self.spacing = spacing
  }

  /// A schedule whose β run from `start` to `end` over `count` timesteps: themselves (linear), or their square roots
  /// (scaled linear), in single precision as the networks were trained.
  public static func betas(from start: Double, to end: Double, count: Int, scaled: Bool) -> [Float] {
    let (first, last) = scaled ? (start.squareRoot(), end.squareRoot()) : (start, end)
    let (f, l) = (Float(first), Float(last))
    let step = (l - f) / Float(max(count - 1, 1))
    // Counted from the nearer end, so that both ends are exact.
    let line = (0..<count).map { $0 < count / 2 ? f + step * Float($0) : l - step * Float(count - 1 - $0) }
    return scaled ? line.map { $0 * $0 } : line
  }

  /// The products of 1 − β up to each timestep, in single precision.
  public static func alphasCumulative(betas: [Float]) -> [Float] {
    var product: Float = 1
    return betas.map {
      product *= 1 - $0
      return product
    }
  }

  /// The number of timesteps of the training.
  public var trainingSteps: Int { alphasCumulative.count }

  /// ᾱ at a timestep; below zero the final one.
  public func alpha(_ timestep: Int) -> Float {
    if timestep >= 0 { return alphasCumulative[min(timestep, trainingSteps - 1)] }
    return finalAlpha == .first ? alphasCumulative[0] : 1
  }
}
