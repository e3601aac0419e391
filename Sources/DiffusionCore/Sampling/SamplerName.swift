/// The samplers by the names that files and options use.
public enum SamplerName: String, Sendable, Codable, CaseIterable {
  /// ``DDIM``.
  case ddim
}

extension SamplerName {
  /// The sampler of this name.
  ///
  /// - Throws: `InputError(.outOfRange)` if the schedule does not have so many steps.
  public func sampler(_ schedule: NoiseSchedule, stepCount: Int) throws -> any Sampler {
    switch self {
    case .ddim: try DDIM(schedule, stepCount: stepCount)
    }
  }
}
