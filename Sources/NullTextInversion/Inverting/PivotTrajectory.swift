internal import DiffusionCore
internal import Tensor

/// The latents that the guided walk is to follow, from the encoded picture up into noise.
struct PivotTrajectory {
  let predictor: NoisePredictor
  let sampler: any InvertibleSampler
  let caption: TextContext
  var source = InversionOptions.Pivots.inversion
  var refinements = 0

  /// Extends `pivots`, which holds at least the encoded picture, to all T + 1.
  func complete(_ pivots: inout [Tensor], afterEach: ([Tensor]) throws -> Void) throws {
    switch source {
    case .inversion: try invert(&pivots, afterEach)
    case .random(let seed): addNoise(to: &pivots, seed: seed)
    }
  }

  /// DDIM inversion under the caption at guidance 1.
  ///
  /// The network is asked at the level that a step goes to, as the published code does (the paper's formula writes the
  /// level it comes from). A refinement asks again at the latent that the step led to: a fixed point is a latent whose
  /// denoising step leads back exactly.
  private func invert(_ pivots: inout [Tensor], _ afterEach: ([Tensor]) throws -> Void) throws {
    while pivots.count <= sampler.stepCount {
      let latent = pivots[pivots.count - 1]
      let step = sampler.stepCount - pivots.count
      func prediction(at latent: Tensor) throws -> Tensor {
        try predictor.prediction(predictor.stem(latent, at: sampler.timesteps[step]), caption).value
      }
      var pivot = sampler.noised(latent, prediction: try prediction(at: latent), step: step)
      for _ in 0..<refinements {
        pivot = sampler.origin(of: latent, prediction: try prediction(at: pivot), step: step)
      }
      pivots.append(try pivot.requireFinite("The latent of pivot \(pivots.count) of \(sampler.stepCount)"))
      try afterEach(pivots)
    }
  }

  /// √ᾱ z₀ + √(1−ᾱ) n with one noise n for all levels.
  private func addNoise(to pivots: inout [Tensor], seed: UInt64) {
    let picture = pivots[0]
    var random = RandomSource(seed: seed)
    let noise = random.normal(shape: picture.channelsFirst().shape).channelsLast()
    pivots = [picture]
    for timestep in sampler.timesteps.reversed() {
      let alpha = sampler.schedule.alpha(timestep)
      pivots.append(.combination(alpha.squareRoot(), picture, (1 - alpha).squareRoot(), noise))
    }
  }
}
