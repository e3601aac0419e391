import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

/// A tiny model and an image, for whole inversions in a fraction of a second.
struct SmallInversion {
  let model: DiffusionModel
  let unet: UNet
  let picture: PreparedPicture
  var caption = "a cat on the mat"
  var options = InversionOptions(method: .nullText(nullText))

  /// Settings for few evaluations.
  static let nullText = NullText(innerSteps: 2, earlyStop: 1e-9)
  static let globalNullText = GlobalNullText(sweeps: 2, earlyStop: 1e-9)

  /// - Parameter name: The name of a checkpoint in `Tests/Fixtures/models`.
  init(_ name: String = "sharded", steps: Int = 4) throws {
    model = try DiffusionModel(.directory(Fixtures.url("models/\(name)")))
    unet = try model.unet
    picture = try model.prepare(Self.picture)
    options.steps = steps
    options.guidance = 3
  }

  static let picture = slopesPicture

  var sampler: DDIM { get throws { try DDIM(model.schedule, stepCount: options.steps) } }

  var predictor: NoisePredictor { NoisePredictor(unet: unet) }

  /// Returns the text context of the network.
  func context(_ text: String) throws -> TextContext { unet.context(try model.embedding(of: text)) }

  func begin() throws -> Inversion { try Inverter(model, caption: caption, options: options).begin(picture) }

  /// Returns a whole inversion, or completes `begun`.
  func inversion(
    from begun: UnfinishedInversion? = nil, keep: @escaping (UnfinishedInversion) throws -> Void = { _ in }
  ) throws -> Inversion {
    var inverter = Inverter(model, caption: caption, options: options)
    inverter.keep = keep
    var unfinished = try begun ?? UnfinishedInversion(inverter.begin(picture))
    try inverter.complete(&unfinished, of: picture)
    return unfinished.inversion
  }

  /// Returns the result of `work` and the evaluations that it takes.
  func counting<Result>(_ work: () throws -> Result) rethrows -> (
    result: Result, evaluations: EvaluationCount
  ) {
    let before = model.counter.total
    let result = try work()
    return (result, model.counter.total - before)
  }
}

extension Inversion {
  /// Returns an inversion with consistent random numbers, independent of any model.
  ///
  /// - Parameter made: The number of finished steps; nil for all.
  static func made(steps: Int = 3, made: Int? = nil, seed: UInt64 = 1) throws -> Inversion {
    var options = InversionOptions()
    options.steps = steps
    options.guidance = 7.3
    options.pivots = .random(seed: .max)
    options.nullText?.budget = .seconds(0.1)
    var random = RandomSource(seed: seed)
    let (pivots, finished) = (made == nil || made != 0 ? steps + 1 : 1, made ?? steps)
    let betas = NoiseSchedule.betas(from: 0.00085, to: 0.012, count: 1000, scaled: true)
    let schedule = NoiseSchedule(
      alphasCumulative: NoiseSchedule.alphasCumulative(betas: betas), stepsOffset: 1, finalAlpha: .first,
      prediction: .velocity)
    let latents = (0..<pivots).map { _ in random.normal(shape: [3, 4, 2]) }
    let walked =
      finished == 0 ? [] : latents.suffix(1) + (0..<finished).map { _ in random.normal(shape: [3, 4, 2]) }
    return Inversion(
      caption: "a \"cat\"\n\tnext to\\a 🦊 \u{1} é e\u{301}", options: options,
      schedule: ScheduleRecord(try DDIM(schedule, stepCount: steps)), modelFingerprint: "0123456789abcdef",
      sourceSize: PixelSize(width: 40, height: 32), crop: PixelRect(x: 4, y: 0, width: 32, height: 32),
      pictureFingerprint: "fedcba9876543210", pictureSize: PixelSize(width: 32, height: 24), isOfEdit: true,
      pivots: latents,
      nullEmbeddings: (0..<finished).map { _ in random.normal(shape: [5, 6]) },
      trajectory: walked,
      losses: (0..<finished).map { 1 / Float($0 + 3) }, innerSteps: Array(0..<finished),
      psnr: finished == steps ? 23.456789012345677 : 0, psnrBound: finished == steps ? .infinity : 0)
  }
}

extension UnfinishedInversion {
  /// Returns an unfinished inversion with random numbers.
  static func made(steps: Int = 3, made: Int) throws -> UnfinishedInversion {
    UnfinishedInversion(try .made(steps: steps, made: made))
  }
}

extension InversionMethod {
  /// Every method, with no setting at its default.
  static let ofOwnSettings: [InversionMethod] = [
    .nullText(
      NullText(
        innerSteps: 7, earlyStop: 1.1e-7, optimizer: .conjugateDirections, start: .caption,
        budget: .seconds(12.34))),
    .negativePrompt(NegativePrompt(interpolation: 0.7)), .direct, .ddim,
    .globalNullText(GlobalNullText(sweeps: 7, earlyStop: 1.1e-7, start: .caption)),
  ]
}

extension ScheduleRecord {
  /// Returns the record with a change.
  func with(
    sampler: SamplerName? = nil, spacing: TimestepSpacing? = nil, stepsOffset: Int? = nil,
    finalAlpha: NoiseSchedule.FinalAlpha? = nil, prediction: NoiseSchedule.Prediction? = nil
  ) -> ScheduleRecord {
    ScheduleRecord(
      sampler: sampler ?? self.sampler, spacing: spacing ?? self.spacing,
      stepsOffset: stepsOffset ?? self.stepsOffset, finalAlpha: finalAlpha ?? self.finalAlpha,
      prediction: prediction ?? self.prediction)
  }
}

/// Returns the error that `work` throws if it is an `InputError`.
func inputError(_ work: () throws -> some Any) throws -> InputError? {
  do {
    _ = try work()
    return nil
  } catch let error as InputError {
    return error
  }
}

/// Cancels a piece of work from within it.
final class Cancellation: Sendable {
  private let task = Lock<Task<Void, any Error>?>(nil)
  private let isWanted = Lock(false)

  /// Runs `work` in a separate task.
  func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
    let task = Task { try await work() }
    self.task.withLock { $0 = task }
    if isWanted.withLock({ $0 }) { task.cancel() }
    try await task.value
  }

  func cancel() {
    isWanted.withLock { $0 = true }
    task.withLock { $0?.cancel() }
  }
}

/// A named change of a value.
struct Change<Value>: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let apply: @Sendable (inout Value) -> Void

  init(_ name: String, _ apply: @escaping @Sendable (inout Value) -> Void) {
    testDescription = name
    self.apply = apply
  }
}
