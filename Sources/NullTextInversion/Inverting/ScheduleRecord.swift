public import DiffusionCore
internal import Tensor

/// The sampler settings stored with an inversion, which edits use and compare with the model's.
public struct ScheduleRecord: Sendable, Equatable {
  /// The sampler's name.
  public let sampler: SamplerName
  /// The spacing of the timesteps.
  public let spacing: TimestepSpacing
  /// The offset added to every timestep.
  public let stepsOffset: Int
  /// The signal level ᾱ before the first timestep.
  public let finalAlpha: NoiseSchedule.FinalAlpha
  /// The prediction type of the network.
  public let prediction: NoiseSchedule.Prediction

  /// Creates the record of a DDIM sampler.
  public init(_ sampler: DDIM) {
    self.init(
      spacing: sampler.spacing, stepsOffset: sampler.schedule.stepsOffset,
      finalAlpha: sampler.schedule.finalAlpha, prediction: sampler.schedule.prediction)
  }

  /// Creates the record of the sampler for an inversion.
  ///
  /// - Throws: `InputError` if the model's schedule does not support the number of steps.
  init(_ options: InversionOptions, of schedule: NoiseSchedule) throws {
    let ddim = try DDIM(schedule, stepCount: options.sampler == .ddim ? options.steps : 1)
    self.init(
      sampler: options.sampler, spacing: ddim.spacing, stepsOffset: schedule.stepsOffset,
      finalAlpha: schedule.finalAlpha, prediction: schedule.prediction)
    if options.sampler != .ddim { _ = try sampler(schedule, stepCount: options.steps) }
  }

  init(
    sampler: SamplerName = .ddim, spacing: TimestepSpacing = .leading, stepsOffset: Int,
    finalAlpha: NoiseSchedule.FinalAlpha, prediction: NoiseSchedule.Prediction
  ) {
    self.sampler = sampler
    self.spacing = spacing
    self.stepsOffset = stepsOffset
    self.finalAlpha = finalAlpha
    self.prediction = prediction
  }

  /// Whether both records fit the same model; the spacing may differ, because older versions always used `leading`.
  func isOfSameModel(as other: ScheduleRecord) -> Bool {
    sampler == other.sampler && stepsOffset == other.stepsOffset && finalAlpha == other.finalAlpha
      && prediction == other.prediction
  }
}

extension ScheduleRecord {
  /// Returns the recorded sampler.
  ///
  /// - Throws: `InputError(.unsupported)` if the sampler does not support inversions.
  fileprivate func sampler(_ schedule: NoiseSchedule, stepCount: Int) throws -> any Sampler {
    switch sampler {
    case .ddim: try DDIM(schedule, stepCount: stepCount, spacing: spacing)
    // The trajectory's latents contain the noise; the sampler draws none.
    case .lcm: try LCM(schedule, stepCount: stepCount, noise: RandomSource(seed: 0))
    case let other:
      throw InputError(.unsupported, "The sampler \(other.rawValue) does not support inversions.")
    }
  }
}

extension Sampler {
  /// This sampler, if it supports DDIM inversion.
  ///
  /// - Throws: `InputError(.unsupported)` otherwise.
  var invertible: any InvertibleSampler {
    get throws(InputError) {
      guard let sampler = self as? any InvertibleSampler else {
        throw InputError(.unsupported, "This sampler does not support inversions. Use DDIM.")
      }
      return sampler
    }
  }
}

extension Inversion {
  /// Returns the sampler with the timesteps of this inversion.
  ///
  /// - Parameter schedule: The noise schedule of the model.
  /// - Throws: `InputError(.unsupported)` if the sampler does not support inversions.
  func sampler(_ schedule: NoiseSchedule) throws -> any Sampler {
    try self.schedule.sampler(schedule, stepCount: stepCount)
  }

  /// Returns the variance ω² of the noise that step `index` of this trajectory adds; zero for deterministic
  /// trajectories.
  ///
  /// With ᾱ at the start and ᾱ' at the end of the step, it is (1 − ᾱ') / (1 − ᾱ) · (1 − ᾱ / ᾱ') for pivots of
  /// independent noise, as in DDPM (Ho et al. 2020, equation 7), and the full noise variance 1 − ᾱ' at LCM timesteps.
  func variance(ofStep index: Int, _ sampler: any Sampler) -> Double {
    let (start, end) = sampler.alphas(ofStep: index)
    if schedule.sampler == .lcm { return 1 - end }
    guard seed != nil else { return 0 }
    return (1 - end) / (1 - start) * (1 - start / end)
  }
}

extension ScheduleRecord: Codable {
  private enum CodingKeys: String, CodingKey { case sampler, spacing, stepsOffset, finalAlpha, prediction }

  /// Decodes a record; without sampler and spacing, it is DDIM with leading timesteps.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      sampler: try values.decodeIfPresent(SamplerName.self, forKey: .sampler) ?? .ddim,
      spacing: try values.decodeIfPresent(TimestepSpacing.self, forKey: .spacing) ?? .leading,
      stepsOffset: try values.decode(Int.self, forKey: .stepsOffset),
      finalAlpha: try values.decode(NoiseSchedule.FinalAlpha.self, forKey: .finalAlpha),
      prediction: try values.decode(NoiseSchedule.Prediction.self, forKey: .prediction))
  }
}
