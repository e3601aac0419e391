/// How a sampler spreads its timesteps over those of the training: diffusers' `timestep_spacing`.
///
/// Lin et al. 2024, "Common diffusion noise schedules and sample steps are flawed", table 2.
public enum TimestepSpacing: String, Sendable, Codable, CaseIterable {
  /// Evenly from the first timestep up, so the noisiest is left out.
  case leading
  /// Evenly from the last timestep down, so the noisiest is always visited.
  case trailing
  /// Evenly with both ends included.
  case linspace
}
