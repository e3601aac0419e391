public import DiffusionCore
internal import Tensor

/// Model options and the estimated peak memory of the process with these options.
package struct MemoryPlan: Sendable, Equatable {
  /// The networks that stay in memory, and the computations that are repeated or split.
  package let options: ModelOptions

  /// The estimated peak memory in bytes, without caches.
  package let byteCount: Int

  /// The memory of a process without networks and activations: code, tokenizer and each thread's scratch buffers.
  private static var processByteCount: Int { 100_000_000 + 16_000_000 * Parallel.threadCount }

  /// Returns all plans, fastest first.
  ///
  /// - Parameter differentiates: Whether gradients will be computed.
  package static func all(_ memory: ModelMemory, differentiates: Bool) -> [MemoryPlan] {
    let band = ModelMemory.bandByteCount
    var options = [
      ModelOptions(), ModelOptions(keptParts: [.unet, .vae]), ModelOptions(keptParts: [.unet]),
      ModelOptions(keptParts: [.unet], decodingBandByteCount: band),
      ModelOptions(keptParts: [], decodingBandByteCount: band),
    ]
    if differentiates {
      options.append(
        ModelOptions(keptParts: [], recomputesActivations: true, decodingBandByteCount: band))
    }
    return options.map {
      MemoryPlan(
        options: $0,
        byteCount: processByteCount + memory.peak(with: $0, differentiates: differentiates))
    }
  }
}

extension MemoryLimits {
  /// The minimum size of the pool of freed buffers at which evaluations are about as fast as with a larger pool.
  private static let leastFreeBuffers = 128_000_000

  /// Creates the fastest limits that keep the process below a given amount of memory.
  ///
  /// If the networks and activations do not fit, networks are read for each use and freed afterward; then the
  /// decoder works in bands; then gradients recompute activations. Results are equal up to rounding.
  ///
  /// The estimate is derived from the model's shapes. It covers one editor working on images of one size, and no
  /// other memory of the program.
  ///
  /// - Parameters:
  ///   - byteCount: The maximum memory of the process in bytes.
  ///   - source: The location of the model.
  ///   - options: Replacements and changes of the model's parts.
  ///   - methods: The inversion methods to be used; empty for edits and generation only.
  ///   - edits: The edit options to be used. The memory of custom policies is not included.
  ///   - pictureSize: The size of the largest images at the model's input; nil for the model's own size.
  ///   - remembersSource: Whether to cache source attention, which makes later edits of an image cheaper.
  /// - Throws: `InputError(.outOfRange)` with the required memory; the errors of opening the checkpoint.
  public init(
    fitting byteCount: Int, model source: ModelSource, options: ModelOptions = ModelOptions(),
    inverting methods: [InversionMethod] = [.nullText()], editing edits: EditOptions = EditOptions(),
    pictureSize: PixelSize? = nil, remembersSource: Bool = true
  ) throws {
    try self.init(
      fitting: byteCount, Checkpoint(source, options: options), inverting: methods, editing: edits,
      pictureSize: pictureSize, remembersSource: remembersSource)
  }

  /// Creates the fastest limits for a checkpoint.
  package init(
    fitting byteCount: Int, _ checkpoint: Checkpoint, inverting methods: [InversionMethod],
    editing edits: EditOptions, pictureSize: PixelSize? = nil, remembersSource: Bool
  ) throws {
    let memory = try ModelMemory(checkpoint, largestGrid: edits.largestSelfGrid, pictureSize: pictureSize)
    try self.init(fitting: byteCount, memory, inverting: methods, remembersSource: remembersSource)
    model = checkpoint.options.saving(in: model)
  }

  /// Creates the fastest limits for a model with a known memory demand.
  package init(
    fitting byteCount: Int, _ memory: ModelMemory, inverting methods: [InversionMethod], remembersSource: Bool
  ) throws(InputError) {
    let differentiates = methods.contains { $0.walk.mostEvaluations(steps: 1).backward > 0 }
    let plans = MemoryPlan.all(memory, differentiates: differentiates)
    guard let plan = plans.first(where: { $0.byteCount + Self.leastFreeBuffers <= byteCount }) else {
      throw InputError(
        .outOfRange, Self.refusal(byteCount, plans, memory, differentiates: differentiates))
    }
    let rest = byteCount - plan.byteCount
    let defaults = MemoryLimits()
    let remembered = remembersSource ? min(defaults.sourceAttention, (rest - Self.leastFreeBuffers) / 2) : 0
    self.init(
      sourceAttention: remembered, freeBuffers: min(defaults.freeBuffers, rest - remembered),
      model: plan.options)
  }

  private static func refusal(
    _ byteCount: Int, _ plans: [MemoryPlan], _ memory: ModelMemory, differentiates: Bool
  ) -> String {
    func least(_ plans: [MemoryPlan]) -> String {
      // Rounded up, so that the stated memory is sufficient.
      let bytes = (plans.map(\.byteCount).min() ?? 0) + leastFreeBuffers
      let hundredths = (bytes + 9_999_999) / 10_000_000
      return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) GB"
    }
    let work = differentiates ? "an inversion with gradients" : "this work"
    var sentence =
      "\(byteCount / 1_000_000) MB of memory is not enough: with this model, \(work) needs \(least(plans))"
    if differentiates {
      sentence +=
        ", and an edit or an inversion without gradients (negative-prompt, direct, ddim) needs "
        + least(MemoryPlan.all(memory, differentiates: false))
    }
    return sentence + "."
  }
}
