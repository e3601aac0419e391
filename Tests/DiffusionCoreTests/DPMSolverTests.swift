import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("DPM-Solver++") struct DPMSolverTests {
  /// Returns the noise levels of Stable Diffusion.
  private func schedule(
    spacing: TimestepSpacing? = nil, offset: Int = 0, prediction: NoiseSchedule.Prediction = .epsilon
  ) -> NoiseSchedule {
    NoiseSchedule(
      alphasCumulative: NoiseSchedule.alphasCumulative(
        betas: NoiseSchedule.betas(from: 0.00085, to: 0.012, count: 1000, scaled: true)),
      stepsOffset: offset, finalAlpha: .one, prediction: prediction, spacing: spacing)
  }

  @Test("samples like diffusers", arguments: try SamplerWalk.all("dpm-solver"))
  func walk(golden: SamplerWalk) throws {
    try golden.expectEqual(DPMSolver(golden.schedule, stepCount: golden.stepCount), relative: 1e-5)
  }

  @Test("uses the timesteps of diffusers", arguments: try SamplerWalk.cases("dpm-solver"))
  func timesteps(golden: SamplerWalk) throws {
    let sampler = try DPMSolver(golden.schedule, stepCount: golden.stepCount)
    #expect(sampler.timesteps == golden.timesteps)
    #expect(sampler.spacing == golden.schedule.spacing ?? .linspace)
  }

  @Test("the golden values cover all spacings, both predictions and a schedule without terminal signal")
  func coverage() throws {
    let walks = try SamplerWalk.all("dpm-solver")
    for spacing in TimestepSpacing.allCases {
      for prediction in [NoiseSchedule.Prediction.epsilon, .velocity] {
        let counts = walks.filter { $0.schedule.spacing == spacing && $0.schedule.prediction == prediction }
          .map(\.stepCount)
        #expect(Set(counts).isSuperset(of: [1, 2, 10, 14, 15, 20]))
      }
    }
    #expect(walks.contains { $0.schedule.spacing == nil })
    #expect(walks.contains { $0.schedule.alpha(999) == 0 })
  }

  @Test("an explicit spacing overrides that of the checkpoint", arguments: TimestepSpacing.allCases)
  func explicitSpacing(spacing: TimestepSpacing) throws {
    let stated = try DPMSolver(schedule(spacing: spacing, offset: 1), stepCount: 12)
    for other in TimestepSpacing.allCases {
      let given = try DPMSolver(schedule(spacing: other, offset: 1), stepCount: 12, spacing: spacing)
      #expect(given.timesteps == stated.timesteps)
    }
  }

  @Test("the first step equals DDIM's between the same levels")
  func firstStep() throws {
    let golden = try SamplerWalk.named("epsilon.trailing.20", in: "dpm-solver")
    var solver = try DPMSolver(golden.schedule, stepCount: 20)
    let ddim = try DDIM(golden.schedule, stepCount: 20)
    let output = golden.prediction(for: golden.latents[0], at: 999)
    expectClose(
      solver.denoised(golden.latents[0], prediction: output, step: 0),
      ddim.denoised(golden.latents[0], prediction: output, step: 0), relative: 1e-6)
  }

  @Test("a copy made halfway continues independently with the same result")
  func copy() throws {
    let golden = try SamplerWalk.named("velocity.linspace.20", in: "dpm-solver")
    var original = try DPMSolver(golden.schedule, stepCount: 20)
    let start = golden.walk(&original, from: golden.latents[0], steps: 0..<9)
    var copy = original
    // Further use of the original does not affect the copy.
    _ = original.denoised(
      Tensor(repeating: 100, shape: start[9].shape), prediction: Tensor(zeros: start[9].shape), step: 9)
    let end = golden.walk(&copy, from: start[9], steps: 9..<20)
    var whole = try DPMSolver(golden.schedule, stepCount: 20)
    #expect(golden.walk(&whole, from: golden.latents[0]).last == end.last)
  }

  @Test("a reused sampler starts again without history")
  func secondUse() throws {
    let golden = try SamplerWalk.named("epsilon.leading.10", in: "dpm-solver")
    var sampler = try DPMSolver(golden.schedule, stepCount: 10)
    let first = golden.walk(&sampler, from: golden.latents[0])
    #expect(golden.walk(&sampler, from: golden.latents[0]) == first)
    // A partial sampling also ignores the history of the last use.
    var fresh = try DPMSolver(golden.schedule, stepCount: 10)
    let half = golden.walk(&sampler, from: golden.latents[5], steps: 5..<10)
    #expect(half == golden.walk(&fresh, from: golden.latents[5], steps: 5..<10))
  }

  @Test(
    "is closer than DDIM to the exact solution for normally distributed data", arguments: [0.5, 0.7, 2, 3])
  func secondOrder(deviation: Double) throws {
    // For data N(0, s²), z ~ N(0, ᾱ s² + 1 − ᾱ) and ε(z) = √(1−ᾱ) z / (ᾱ s² + 1 − ᾱ); the exact flow keeps z
    // proportional to its standard deviation.
    let levels = schedule(spacing: .trailing)
    func variance(_ timestep: Int) -> Double {
      let alpha = Double(levels.alpha(timestep))
      return alpha * deviation * deviation + 1 - alpha
    }
    func errors(_ sampler: some Sampler) -> [Double] {
      var sampler = sampler
      var latent = Tensor([Float(variance(999).squareRoot())], shape: [1, 1, 1])
      return sampler.timesteps.indices.map { step in
        let timestep = sampler.timesteps[step]
        let noise = (1 - Double(levels.alpha(timestep))).squareRoot()
        latent = sampler.denoised(latent, prediction: Float(noise / variance(timestep)) * latent, step: step)
        let below = step + 1 < sampler.stepCount ? sampler.timesteps[step + 1] : -1
        return abs(Double(latent.scalars[0]) / variance(below).squareRoot() - 1)
      }
    }
    let (first, second) = (
      errors(try DDIM(levels, stepCount: 20)), errors(try DPMSolver(levels, stepCount: 20))
    )
    #expect(second[19] < first[19], "at the end, where both steps are first-order")
    #expect(second[18] * 5 < first[18], "before the end")
  }

  @Test("noise and velocity predictions give the same sample")
  func predictions() throws {
    let golden = try SamplerWalk.named("epsilon.linspace.20", in: "dpm-solver")
    let velocities = schedule(prediction: .velocity)
    var byNoise = try DPMSolver(schedule(), stepCount: 20)
    var byVelocity = try DPMSolver(velocities, stepCount: 20)
    var latents = (golden.latents[0], golden.latents[0])
    for (step, timestep) in byNoise.timesteps.enumerated() {
      let noise = golden.prediction(for: latents.0, at: timestep)
      // v = √ᾱ ε − √(1−ᾱ) x₀ = (ε − √(1−ᾱ) z) / √ᾱ, here for the latent of the other sampler.
      let alpha = Double(velocities.alpha(timestep))
      let ownNoise = golden.prediction(for: latents.1, at: timestep)
      let velocity = Tensor.combination(
        Float(1 / alpha.squareRoot()), ownNoise, Float(-((1 - alpha) / alpha).squareRoot()), latents.1)
      latents.0 = byNoise.denoised(latents.0, prediction: noise, step: step)
      latents.1 = byVelocity.denoised(latents.1, prediction: velocity, step: step)
      expectClose(latents.1, latents.0, relative: 1e-5, "step \(step)")
    }
  }

  @Test(
    "stays finite without terminal signal", arguments: TimestepSpacing.allCases,
    [NoiseSchedule.Prediction.epsilon, .velocity])
  func zeroSignal(spacing: TimestepSpacing, prediction: NoiseSchedule.Prediction) throws {
    var alphas = schedule().alphasCumulative
    alphas[999] = 0
    let levels = NoiseSchedule(
      alphasCumulative: alphas, stepsOffset: 49, finalAlpha: .one, prediction: prediction, spacing: spacing)
    let golden = try SamplerWalk.named("epsilon.linspace.1", in: "dpm-solver")
    for count in [1, 2, 19, 20] {
      var sampler = try DPMSolver(levels, stepCount: count)
      let latents = golden.walk(&sampler, from: golden.latents[0])
      #expect(latents.allSatisfy { $0.scalars.allSatisfy(\.isFinite) })
    }
  }

  @Test("a step with history has the gradient of an affine map")
  func gradient() throws {
    let golden = try SamplerWalk.named("epsilon.linspace.10", in: "dpm-solver")
    var sampler = try DPMSolver(golden.schedule, stepCount: 10)
    _ = golden.walk(&sampler, from: golden.latents[0], steps: 0..<4)
    let latent = golden.latents[4]
    func step(_ output: Variable) -> Variable {
      var copy = sampler
      return copy.denoised(Variable(latent), prediction: output, step: 4)
    }
    // The step is affine in the output, z' = c + b y per scalar, so b is a difference.
    let (zeros, ones) = (Tensor(zeros: latent.shape), Tensor(repeating: 1, shape: latent.shape))
    let slope = step(Variable(ones)).value - step(Variable(zeros)).value
    let output = golden.prediction(for: latent, at: sampler.timesteps[4])
    let gradient = valueAndGradient(at: output) { step($0).meanSquaredError(to: golden.texture) }.gradient
    let expected = (2 / Float(latent.count)) * slope * (step(Variable(output)).value - golden.texture)
    expectClose(gradient, expected, relative: 1e-5)
  }

  @Test(
    "throws if there are more steps than timesteps",
    arguments: [
      (TimestepSpacing.linspace, 0), (.linspace, -1), (.linspace, 1000), (.linspace, .max),
      (.leading, 999), (.leading, 1000), (.trailing, 0), (.trailing, 1001),
    ])
  func refusal(spacing: TimestepSpacing, count: Int) throws {
    let error = try #require(throws: InputError.self) {
      try DPMSolver(schedule(spacing: spacing, offset: 1), stepCount: count)
    }
    #expect(error.kind == .outOfRange)
    #expect(error.message.hasPrefix("The number of steps is \(count), "))
  }

  @Test("allows as many steps as there are timesteps")
  func most() throws {
    #expect(
      try DPMSolver(schedule(spacing: .linspace), stepCount: 999).timesteps == Array((1...999).reversed()))
    #expect(
      try DPMSolver(schedule(spacing: .leading, offset: 0), stepCount: 999).timesteps
        == Array((1...999).reversed()))
    #expect(
      try DPMSolver(schedule(spacing: .trailing), stepCount: 1000).timesteps == Array((0...999).reversed()))
  }
}
