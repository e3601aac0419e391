internal import DiffusionCore
internal import Tensor

/// Computes the pivot latents, from the encoded image to noise.
struct PivotTrajectory {
  let predictor: NoisePredictor
  let sampler: any Sampler
  let caption: TextContext
  /// The empty text, used by guidance during DDIM inversion.
  let empty: TextContext
  var options = InversionOptions()

  /// Extends `pivots`, which contains at least the encoded image, to T + 1 latents.
  ///
  /// - Throws: `InputError(.unsupported)` if the sampler does not support DDIM inversion and the pivots need it.
  func complete(_ pivots: inout [Tensor], afterEach: ([Tensor]) throws -> Void) throws {
    switch options.pivots {
    case .inversion: try invert(&pivots, sampler.invertible, afterEach)
    case .random(let seed): pivots = sampler.noised(pivots[0], seed: seed, sharesNoise: true)
    case .independentNoise(let seed): pivots = sampler.noised(pivots[0], seed: seed, sharesNoise: false)
    }
  }

  /// Performs DDIM inversion with the caption, at guidance scale 1 unless the options have another scale.
  ///
  /// The network is evaluated at the timestep of the destination level, as in the published code; the formula in the
  /// paper uses the source level. A refinement evaluates the network again at the resulting latent: at a fixed point,
  /// the denoising step leads back exactly.
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
  /// Returns the pivots √ᾱ z₀ + √(1−ᾱ) n of an encoded image z₀, which is the first pivot.
  ///
  /// - Parameter sharesNoise: Whether all levels share one noise sample n; otherwise each has its own, drawn from the
  ///   noisiest level down.
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
