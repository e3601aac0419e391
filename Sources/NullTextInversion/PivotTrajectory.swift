internal import DiffusionCore
internal import Tensor

/// The way up: DDIM inversion under the caption at guidance 1, one evaluation a step.
///
/// The network is asked at the level that a step goes to, as the published code does (the paper's formula writes the
/// level it comes from).
struct PivotTrajectory {
  let predictor: NoisePredictor
  let caption: TextContext

  /// Extends `pivots`, which holds at least the encoded picture, to all T + 1.
  func complete(_ pivots: inout [Tensor], afterEach: ([Tensor]) throws -> Void) throws {
    let timesteps = predictor.sampler.timesteps
    while pivots.count <= timesteps.count {
      let latent = pivots[pivots.count - 1]
      let timestep = timesteps[timesteps.count - pivots.count]
      let prediction = try predictor.prediction(predictor.stem(latent, at: timestep), caption)
      pivots.append(predictor.sampler.noised(latent, prediction: prediction.value, at: timestep))
      try afterEach(pivots)
    }
  }
}
