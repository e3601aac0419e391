/// The noise schedule of a checkpoint, as its `scheduler/scheduler_config.json` says.
///
/// A checkpoint may name any scheduler of diffusers; the fields of the schedule mean the same in all of them. Keys that
/// a file lacks have the values that diffusers' `DDIMScheduler` gives them, whatever class it names: that is how
/// diffusers itself reads it for sampling with DDIM.
public struct SchedulerConfiguration: Sendable, Equatable {
  /// The number of timesteps of the training.
  public let trainingSteps: Int

  /// The first timestep's β.
  public let betaStart: Double

  /// The last timestep's β.
  public let betaEnd: Double

  /// How β runs from start to end: `linear`, or `scaled_linear` for linear square roots.
  public let betaSchedule: String

  /// The β of every timestep, in place of start, end and schedule.
  public let trainedBetas: [Double]?

  /// What the network predicts: `epsilon` or `v_prediction`.
  public let predictionType: String

  /// What is added to every sampling timestep.
  public let stepsOffset: Int

  /// Whether the level before the first timestep has no noise at all; otherwise it is the first timestep's.
  public let setsAlphaToOne: Bool

  /// Whether the checkpoint's own sampler limits its estimate of the clean sample.
  ///
  /// The samplers here never do: that is for pictures, not for latents.
  public let clipsSample: Bool

  /// How the checkpoint asks samplers to spread their timesteps: `leading`, `trailing` or `linspace`; nil if it does not
  /// say.
  public let timestepSpacing: String?

  /// Whether β is changed so that nothing of the picture is left at the last timestep.
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

  /// Reads the keys of diffusers' `DDIMScheduler`; others are ignored.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    // Values that another class filled in by itself when it was saved do not count.
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
  /// Whether this library can sample by this schedule.
  ///
  /// - Throws: `InputError` about the first value that it cannot use.
  public func validate() throws {
    try ConfigurationCheck.isPositive("num_train_timesteps", trainingSteps)
    try ConfigurationCheck.isOne(of: ["epsilon", "v_prediction"], "prediction_type", predictionType)
    if let timestepSpacing {
      try ConfigurationCheck.isOne(
        of: TimestepSpacing.allCases.map(\.rawValue), "timestep_spacing", timestepSpacing)
    }
    guard (0..<trainingSteps).contains(stepsOffset) else {
      throw InputError(.outOfRange, "steps_offset is \(stepsOffset), which is no timestep.")
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
      throw InputError(.outOfRange, "A β of \(beta) is no share of noise between 0 and 1.")
    }
    guard !rescalesToZeroSignal || predictionType == "v_prediction" else {
      throw InputError(
        .unsupported,
        "rescale_betas_zero_snr leaves no signal at the last timestep, from which a prediction of "
          + "type \"\(predictionType)\" cannot recover a picture.")
    }
  }
}
