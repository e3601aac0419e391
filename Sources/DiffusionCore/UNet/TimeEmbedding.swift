internal import Foundation
internal import Tensor

/// The embedding of a timestep for the residual blocks: sines and cosines, then two linear layers.
struct TimeEmbedding: Sendable {
  private let width: Int
  private let cosineFirst: Bool
  private let frequencyShift: Double
  private let linear1: Linear
  private let linear2: Linear

  init(_ configuration: UNetConfiguration, _ weights: WeightScope) throws {
    width = configuration.blockOutChannels[0]
    cosineFirst = configuration.flipSinToCos
    frequencyShift = Double(configuration.frequencyShift)
    linear1 = try Linear(weights["linear_1"], inputs: width, outputs: 4 * width)
    linear2 = try Linear(weights["linear_2"], inputs: 4 * width, outputs: 4 * width)
  }

  /// Returns SiLU of the time embedding, the only form that residual blocks use.
  func callAsFunction(_ timestep: Int) -> Tensor {
    Variable(linear2(Variable(linear1(sinusoid(timestep))).silu().value)).silu().value
  }

  /// Returns sin and cos of t · 10000^(−i / (half − shift)), with each operation in single precision as in training.
  private func sinusoid(_ timestep: Int) -> Tensor {
    let half = width / 2
    let angles = (0..<half).map { i -> Float in
      let exponent = Float(-log(10000.0)) * Float(i) / Float(Double(half) - frequencyShift)
      return Float(timestep) * Foundation.exp(exponent)
    }
    let (sines, cosines) = (angles.map { Foundation.sin($0) }, angles.map { Foundation.cos($0) })
    let padding = [Float](repeating: 0, count: width - 2 * half)
    return Tensor((cosineFirst ? cosines + sines : sines + cosines) + padding, shape: [1, width])
  }
}
