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

extension TimestepSpacing {
  /// The timesteps of spacing `trailing`, noisiest first: round(N − i · N / T) − 1 for T steps of N training timesteps.
  ///
  /// Halves go to the even side. A multiple of N / T can miss a half by the last bit of a double; the products are formed
  /// as NumPy's `arange` forms them, so that they miss it as those of diffusers do.
  ///
  /// - Parameters:
  ///   - stepCount: at least 1 and at most `count`.
  ///   - count: the number of timesteps of the training.
  /// - Returns: As many timesteps as there are steps, strictly descending.
  static func trailingTimesteps(stepCount: Int, of count: Int) -> [Int] {
    let start = Double(count)
    let increment = (start - start / Double(stepCount)) - start
    return (0..<stepCount).map { Int((start + Double($0) * increment).rounded(.toNearestOrEven)) - 1 }
  }
}
