internal import DiffusionCore
internal import Tensor

/// The latents that the guided walk is to follow, from the encoded picture up into noise.
struct PivotTrajectory {
  let predictor: NoisePredictor
  let sampler: any Sampler
  let caption: TextContext
  /// The empty text, which guidance on the way up reads.
  let empty: TextContext
  var options = InversionOptions()

  /// Extends `pivots`, which holds at least the encoded picture, to all T + 1.
  ///
  /// - Throws: `InputError(.unsupported)` if the pivots are to be computed and the sampler cannot walk upwards.
  func complete(_ pivots: inout [Tensor], afterEach: ([Tensor]) throws -> Void) throws {
    switch options.pivots {
    case .inversion: try invert(&pivots, sampler.invertible, afterEach)
    case .random(let seed): pivots = sampler.noised(pivots[0], seed: seed, sharesNoise: true)
    case .independentNoise(let seed): pivots = sampler.noised(pivots[0], seed: seed, sharesNoise: false)
    }
  }

  /// DDIM inversion under the caption, at guidance 1 where the options say nothing else.
  ///
  /// The network is asked at the level that a step goes to, as the published code does (the paper's formula writes the
  /// level it comes from). A refinement asks again at the latent that the step led to: a fixed point is a latent whose
  /// denoising step leads back exactly.
  private func invert(
    _ pivots: inout [Tensor], _ sampler: any InvertibleSampler, _ afterEach: ([Tensor]) throws -> Void
  ) throws {
    while pivots.count <= sampler.stepCount {
      let latent = pivots[pivots.count - 1]
      let step = sampler.stepCount - pivots.count
      var pivot = sampler.noised(latent, prediction: try prediction(at: latent, sampler, step), step: step)
      for _ in 0..<options.pivotRefinements {
        let refined = sampler.origin(
          of: latent, prediction: try prediction(at: pivot, sampler, step), step: step)
        let change = refined.meanSquaredDifference(to: pivot)
        pivot = refined
        if let tolerance = options.pivotTolerance, Double(change) < tolerance { break }
      }
      if let easyInv = options.easyInv {
        pivot = easyInv.mixed(pivot, with: latent, step: pivots.count - 1, of: sampler.stepCount)
      }
      pivots.append(try pivot.requireFinite("The latent of pivot \(pivots.count) of \(sampler.stepCount)"))
      try afterEach(pivots)
    }
  }

  private func prediction(at latent: Tensor, _ sampler: any InvertibleSampler, _ step: Int) throws -> Tensor {
    let stem = try predictor.stem(latent, at: sampler.timesteps[step])
    let text = try predictor.prediction(stem, caption).value
    guard options.pivotGuidance != 1 else { return text }
    let null = try predictor.prediction(stem, empty).value
    return .guided(null: null, text: text, by: options.pivotGuidance)
  }
}

extension Sampler {
  /// The pivots √ᾱ z₀ + √(1−ᾱ) n of a picture's latent z₀, itself first.
  ///
  /// - Parameter sharesNoise: whether all levels have one noise n; otherwise each has its own, drawn from the noisiest down.
  func noised(_ picture: Tensor, seed: UInt64, sharesNoise: Bool) -> [Tensor] {
    var random = RandomSource(seed: seed)
    func draw() -> Tensor { random.normal(shape: picture.channelsFirst().shape).channelsLast() }
    let common = sharesNoise ? draw() : nil
    let noised = timesteps.map { timestep in
      let alpha = schedule.alpha(timestep)
      return Tensor.combination(alpha.squareRoot(), picture, (1 - alpha).squareRoot(), common ?? draw())
    }
    return [picture] + noised.reversed()
  }
}
