public import Tensor

/// The samplers, by their names in files and options.
public enum SamplerName: String, Sendable, Codable, CaseIterable {
  /// ``DDIM``: deterministic, and the only one that can be inverted.
  case ddim
  /// ``DPMSolver``: deterministic, second-order, for 10 to 20 steps.
  case dpmSolver = "dpm-solver"
  /// ``LCM``: 1 to 8 steps with new noise after each but the last, for networks distilled into consistency models.
  case lcm
}

extension SamplerName {
  /// Returns the sampler with this name, with the checkpoint's timestep spacing.
  ///
  /// - Parameters:
  ///   - schedule: The noise levels.
  ///   - stepCount: The number of steps.
  ///   - noise: The noise source of a sampler that adds noise; only `lcm` does.
  /// - Throws: `InputError(.outOfRange)` if the sampler does not support this number of steps with the schedule.
  public func sampler(_ schedule: NoiseSchedule, stepCount: Int, noise: RandomSource) throws -> any Sampler {
    switch self {
    case .ddim: try DDIM(schedule, stepCount: stepCount)
    case .dpmSolver: try DPMSolver(schedule, stepCount: stepCount)
    case .lcm: try LCM(schedule, stepCount: stepCount, noise: noise)
    }
  }
}
