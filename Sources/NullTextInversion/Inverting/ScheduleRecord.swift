public import DiffusionCore

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

extension Inversion {
  /// The sampler that this inversion was made with.
  ///
  /// - Parameter schedule: of the model.
  /// - Throws: `InputError(.unsupported)` if the sampler cannot walk upwards.
  func sampler(_ schedule: NoiseSchedule) throws -> any InvertibleSampler {
    switch self.schedule.sampler {
    case .ddim: try DDIM(schedule, stepCount: stepCount, spacing: self.schedule.spacing)
    case let other: throw InputError(.unsupported, "The sampler \(other.rawValue) cannot invert a picture.")
    }
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
