public import Tensor

/// The samplers by the names that files and options use.
public enum SamplerName: String, Sendable, Codable, CaseIterable {
  /// ``DDIM``: deterministic, and the one that can be walked back for inversion.
  case ddim
  /// ``DPMSolver``: deterministic, of second order, for 10 to 20 steps.
  case dpmSolver = "dpm-solver"
  /// ``LCM``: 1 to 8 steps with new noise between them, for networks distilled into consistency models.
  case lcm
}

extension SamplerName {
  /// The sampler of this name, with the spacing of the checkpoint.
  ///
  /// - Parameter noise: where a sampler that adds noise draws it from; only `lcm` does.
  /// - Throws: `InputError(.outOfRange)` if the sampler cannot make so many steps with the schedule.
  public func sampler(_ schedule: NoiseSchedule, stepCount: Int, noise: RandomSource) throws -> any Sampler {
    switch self {
    case .ddim: try DDIM(schedule, stepCount: stepCount)
    case .dpmSolver: try DPMSolver(schedule, stepCount: stepCount)
    case .lcm: try LCM(schedule, stepCount: stepCount, noise: noise)
    }
  }
}
