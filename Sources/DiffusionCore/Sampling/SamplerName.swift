/// The samplers by the names that files and options use.
public enum SamplerName: String, Sendable, Codable, CaseIterable {
  /// ``DDIM``: deterministic, and the one that can be walked back for inversion.
  case ddim
  /// ``DPMSolver``: deterministic, of second order, for 10 to 20 steps.
  case dpmSolver = "dpm-solver"
}

extension SamplerName {
  /// The sampler of this name.
  ///
  /// - Throws: `InputError(.outOfRange)` if the schedule does not have so many steps.
  public func sampler(_ schedule: NoiseSchedule, stepCount: Int) throws -> any Sampler {
    switch self {
    case .ddim: try DDIM(schedule, stepCount: stepCount)
    case .dpmSolver: try DPMSolver(schedule, stepCount: stepCount)
    }
  }
}
