/// The noise schedule of a checkpoint, from its `scheduler/scheduler_config.json`.
///
/// A checkpoint may name any scheduler of diffusers; the fields of the schedule have the same meaning in all of them.
/// Missing keys have the defaults of diffusers' `DDIMScheduler`, whatever class the file names, because diffusers
/// itself reads the file this way for DDIM sampling.
public struct SchedulerConfiguration: Sendable, Equatable {
  /// The number of training timesteps.
  public let trainingSteps: Int

  /// The β of the first timestep.
  public let betaStart: Double

  /// The β of the last timestep.
  public let betaEnd: Double

  /// The interpolation of β from start to end: `linear`, or `scaled_linear` for linear square roots.
  public let betaSchedule: String

  /// The β of every timestep; they replace start, end and schedule.
  public let trainedBetas: [Double]?

  /// The prediction type of the network: `epsilon` or `v_prediction`.
  public let predictionType: String

  /// The offset added to every sampling timestep.
  public let stepsOffset: Int

  /// Whether ᾱ before the first timestep is 1 (no noise); otherwise it is that of the first timestep.
  public let setsAlphaToOne: Bool

  /// Whether the checkpoint's own sampler clips its estimate of the clean sample.
  ///
  /// The samplers here never clip: clipping is meant for pixels, not for latents.
  public let clipsSample: Bool

  /// The timestep spacing that the checkpoint states: `leading`, `trailing`, `linspace`, or nil.
  public let timestepSpacing: String?

  /// Whether the betas are rescaled so that no signal is left at the last timestep.
  public let rescalesToZeroSignal: Bool
}

extension SchedulerConfiguration: Decodable {
  private enum Key: String, CodingKey {
    case defaulted = "_use_default_values"
    case trainingSteps = "num_train_timesteps"
    case betaStart = "beta_start"
    case betaEnd = "beta_end"
    case betaSchedule = "beta_schedule"
    case trainedBetas = "trained_betas"
    case predictionType = "prediction_type"
    case stepsOffset = "steps_offset"
    case setsAlphaToOne = "set_alpha_to_one"
    case clipsSample = "clip_sample"
    case timestepSpacing = "timestep_spacing"
    case rescalesToZeroSignal = "rescale_betas_zero_snr"
  }

  /// Decodes the keys of diffusers' `DDIMScheduler`; other keys are ignored.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    // Ignore values that another class filled in by default when it saved the file.
    let defaulted = Set(try container.decodeIfPresent([String].self, forKey: .defaulted) ?? [])
    func value<T: Decodable>(_ key: Key, _ absent: T) throws -> T {
      if defaulted.contains(key.rawValue) { return absent }
      return try container.decodeIfPresent(T.self, forKey: key) ?? absent
    }
    trainingSteps = try value(.trainingSteps, 1000)
    betaStart = try value(.betaStart, 0.0001)
    betaEnd = try value(.betaEnd, 0.02)
    betaSchedule = try value(.betaSchedule, "linear")
    trainedBetas = try value(.trainedBetas, [Double]?.none)
    predictionType = try value(.predictionType, "epsilon")
    stepsOffset = try value(.stepsOffset, 0)
    setsAlphaToOne = try value(.setsAlphaToOne, true)
    clipsSample = try value(.clipsSample, true)
    timestepSpacing = try value(.timestepSpacing, String?.none)
    rescalesToZeroSignal = try value(.rescalesToZeroSignal, false)
  }
}

extension SchedulerConfiguration: CheckpointConfiguration {
  /// Checks that this library can sample with this schedule.
  ///
  /// - Throws: `InputError` about the first unsupported value.
  public func validate() throws {
    try ConfigurationCheck.isPositive("num_train_timesteps", trainingSteps)
    try ConfigurationCheck.isOne(of: ["epsilon", "v_prediction"], "prediction_type", predictionType)
    if let timestepSpacing {
      try ConfigurationCheck.isOne(
        of: TimestepSpacing.allCases.map(\.rawValue), "timestep_spacing", timestepSpacing)
    }
    guard (0..<trainingSteps).contains(stepsOffset) else {
      throw InputError(
        .outOfRange,
        "steps_offset is \(stepsOffset), but must be a timestep between 0 and \(trainingSteps - 1).")
    }
    if let trainedBetas {
      guard trainedBetas.count == trainingSteps else {
        throw InputError(
          .malformed, "trained_betas has \(trainedBetas.count) values for \(trainingSteps) timesteps.")
      }
    } else {
      try ConfigurationCheck.isOne(of: ["linear", "scaled_linear"], "beta_schedule", betaSchedule)
    }
    for beta in trainedBetas ?? [betaStart, betaEnd] where !(beta > 0 && beta < 1) {
      throw InputError(.outOfRange, "A β is \(beta), but must be greater than 0 and less than 1.")
    }
    guard !rescalesToZeroSignal || predictionType == "v_prediction" else {
      throw InputError(
        .unsupported,
        "rescale_betas_zero_snr leaves no signal at the last timestep, so a prediction of "
          + "type \"\(predictionType)\" cannot recover a picture.")
    }
  }
}
