/// The distribution of a sampler's timesteps over the training timesteps: diffusers' `timestep_spacing`.
///
/// Lin et al. 2024, "Common diffusion noise schedules and sample steps are flawed", table 2.
public enum TimestepSpacing: String, Sendable, Codable, CaseIterable {
  /// Evenly spaced upward from the first timestep; the noisiest timestep is omitted.
  case leading
  /// Evenly spaced downward from the last timestep, which is always included.
  case trailing
  /// Evenly spaced with both ends included.
  case linspace
}

extension TimestepSpacing {
  /// Returns the timesteps of spacing `trailing`, noisiest first: round(N − i · N / T) − 1 for T steps of N training
  /// timesteps.
  ///
  /// Halves are rounded to even. A multiple of N / T can miss a half by the last bit of a double; the products are
  /// computed as in NumPy's `arange`, so that they round as in diffusers.
  ///
  /// - Parameters:
  ///   - stepCount: At least 1 and at most `count`.
  ///   - count: The number of training timesteps.
  /// - Returns: One timestep per step, strictly descending.
  static func trailingTimesteps(stepCount: Int, of count: Int) -> [Int] {
    let start = Double(count)
    let increment = (start - start / Double(stepCount)) - start
    return (0..<stepCount).map { Int((start + Double($0) * increment).rounded(.toNearestOrEven)) - 1 }
  }
}
