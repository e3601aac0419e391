public import DiffusionCore
internal import Tensor

/// What an inversion remembers of its sampler, to use it again and to refuse another one.
public struct ScheduleRecord: Sendable, Equatable {
  /// The sampler's name.
  public let sampler: SamplerName
  /// How the timesteps are spread.
  public let spacing: TimestepSpacing
  /// What is added to every timestep.
  public let stepsOffset: Int
  /// The signal level before the first timestep.
  public let finalAlpha: NoiseSchedule.FinalAlpha
  /// What the network predicts.
  public let prediction: NoiseSchedule.Prediction

  /// The record of a sampler.
  public init(_ sampler: DDIM) {
    self.init(
      spacing: sampler.spacing, stepsOffset: sampler.schedule.stepsOffset,
      finalAlpha: sampler.schedule.finalAlpha, prediction: sampler.schedule.prediction)
  }

  /// The record of the sampler that an inversion with some options has.
  ///
  /// - Throws: `InputError` if it cannot make so many steps with the model's schedule.
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

  /// Whether both are of one model: the spacing may differ, since older versions took `leading` always.
  func isOfSameModel(as other: ScheduleRecord) -> Bool {
    sampler == other.sampler && stepsOffset == other.stepsOffset && finalAlpha == other.finalAlpha
      && prediction == other.prediction
  }
}

extension ScheduleRecord {
  /// The sampler on record.
  ///
  /// - Throws: `InputError(.unsupported)` if a path cannot have it.
  fileprivate func sampler(_ schedule: NoiseSchedule, stepCount: Int) throws -> any Sampler {
    switch sampler {
    case .ddim: try DDIM(schedule, stepCount: stepCount, spacing: spacing)
    // The noise of a path is in its latents; the sampler draws none.
    case .lcm: try LCM(schedule, stepCount: stepCount, noise: RandomSource(seed: 0))
    case let other: throw InputError(.unsupported, "The sampler \(other.rawValue) cannot invert a picture.")
    }
  }
}

extension Sampler {
  /// This sampler, to walk up with.
  ///
  /// - Throws: `InputError(.unsupported)` if it cannot.
  var invertible: any InvertibleSampler {
    get throws(InputError) {
      guard let sampler = self as? any InvertibleSampler else {
        throw InputError(.unsupported, "This sampler cannot walk from a picture up into noise; DDIM can.")
      }
      return sampler
    }
  }
}

extension Inversion {
  /// The sampler whose timesteps this inversion has.
  ///
  /// - Parameter schedule: of the model.
  /// - Throws: `InputError(.unsupported)` if an inversion cannot have it.
  func sampler(_ schedule: NoiseSchedule) throws -> any Sampler {
    try self.schedule.sampler(schedule, stepCount: stepCount)
  }

  /// ω²: the variance of the noise that step `index` of this path adds; zero where the path is deterministic.
  ///
  /// With ᾱ at its start and ᾱ' at its end: (1 − ᾱ') / (1 − ᾱ) · (1 − ᾱ / ᾱ') between pivots of independent noise, as in
  /// DDPM (Ho et al. 2020, equation 7), and all noise there is, 1 − ᾱ', at the timesteps of LCM.
  func variance(ofStep index: Int, _ sampler: any Sampler) -> Double {
    let (start, end) = sampler.alphas(ofStep: index)
    if schedule.sampler == .lcm { return 1 - end }
    guard seed != nil else { return 0 }
    return (1 - end) / (1 - start) * (1 - start / end)
  }
}

extension ScheduleRecord: Codable {
  private enum CodingKeys: String, CodingKey { case sampler, spacing, stepsOffset, finalAlpha, prediction }

  /// Reads a record; one without sampler and spacing is of DDIM with leading timesteps.
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
