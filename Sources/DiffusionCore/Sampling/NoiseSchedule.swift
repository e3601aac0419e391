internal import Foundation

/// The noise levels of the training timesteps, and the prediction type of the network.
public struct NoiseSchedule: Sendable, Equatable {
  /// The quantity that the network predicts.
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

  /// ᾱ: the cumulative product of 1 − β at each timestep.
  public let alphasCumulative: [Float]
  /// The offset added to every sampling timestep.
  public let stepsOffset: Int
  /// The signal level before the first timestep.
  public let finalAlpha: FinalAlpha
  /// The quantity that the network predicts.
  public let prediction: Prediction
  /// The timestep spacing stated by the checkpoint; nil if there is none, so that each sampler uses its own default.
  public let spacing: TimestepSpacing?

  /// Creates a schedule from its values.
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

  /// Returns betas from `start` to `end` over `count` timesteps, in single precision as in training.
  ///
  /// The betas are linear, or have linear square roots if `scaled` is true.
  public static func betas(from start: Double, to end: Double, count: Int, scaled: Bool) -> [Float] {
    let (first, last) = scaled ? (start.squareRoot(), end.squareRoot()) : (start, end)
    let (f, l) = (Float(first), Float(last))
    let step = (l - f) / Float(max(count - 1, 1))
    // Computed from the nearer end, so that both ends are exact.
    let line = (0..<count).map { $0 < count / 2 ? f + step * Float($0) : l - step * Float(count - 1 - $0) }
    return scaled ? line.map { $0 * $0 } : line
  }

  /// Returns the cumulative products of 1 − β, in single precision.
  public static func alphasCumulative(betas: [Float]) -> [Float] {
    var product: Float = 1
    return betas.map {
      product *= 1 - $0
      return product
    }
  }

  /// The number of training timesteps.
  public var trainingSteps: Int { alphasCumulative.count }

  /// Returns ᾱ at a timestep; for a negative timestep, the final ᾱ.
  public func alpha(_ timestep: Int) -> Float {
    if timestep >= 0 { return alphasCumulative[min(timestep, trainingSteps - 1)] }
    return finalAlpha == .first ? alphasCumulative[0] : 1
  }
}
