public import DiffusionCore
internal import Tensor

/// A way to work with a model, and about the most memory that the process takes then.
package struct MemoryPlan: Sendable, Equatable {
  /// What stays in memory, and what is computed again or in pieces.
  package let options: ModelOptions

  /// About the most bytes that the process takes, but for what it keeps to be faster.
  package let byteCount: Int

  /// What a process takes without networks and maps: code, tokenizer, and each thread's scratch memory.
  private static var processByteCount: Int { 100_000_000 + 16_000_000 * Parallel.threadCount }

  /// All plans, the fastest first.
  ///
  /// - Parameter differentiates: whether gradients will be asked for.
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
  /// The fewest bytes of freed buffers with which evaluations are about as fast as with more.
  private static let leastFreeBuffers = 128_000_000

  /// The limits with which work with a model is fastest in some memory.
  ///
  /// Where all networks and maps do not fit, networks are read when they are used and freed afterwards, then the decoder
  /// works in bands, then gradients compute activations again. Pictures are the same but for rounding.
  ///
  /// The need is an estimate that follows from the model's shapes. It counts one editor that works on pictures of one
  /// size, and nothing that the program has besides.
  ///
  /// - Parameters:
  ///   - byteCount: the most memory that the process is to take.
  ///   - source: the model.
  ///   - options: what replaces or changes its parts.
  ///   - methods: those by which pictures will be inverted; none for edits and generation alone.
  ///   - edits: what pictures will be edited with; what a policy of a program's own holds is not counted.
  ///   - pictureSize: of the largest pictures that the model works on; nil for its own size.
  ///   - remembersSource: whether a second edit of a picture is to cost less than the first.
  /// - Throws: `InputError(.outOfRange)` that says what would be enough, or what is wrong with the checkpoint.
  public init(
    fitting byteCount: Int, model source: ModelSource, options: ModelOptions = ModelOptions(),
    inverting methods: [InversionMethod] = [.nullText()], editing edits: EditOptions = EditOptions(),
    pictureSize: PixelSize? = nil, remembersSource: Bool = true
  ) throws {
    try self.init(
      fitting: byteCount, Checkpoint(source, options: options), inverting: methods, editing: edits,
      pictureSize: pictureSize, remembersSource: remembersSource)
  }

  /// The same for a checkpoint.
  package init(
    fitting byteCount: Int, _ checkpoint: Checkpoint, inverting methods: [InversionMethod],
    editing edits: EditOptions, pictureSize: PixelSize? = nil, remembersSource: Bool
  ) throws {
    let memory = try ModelMemory(checkpoint, largestGrid: edits.largestSelfGrid, pictureSize: pictureSize)
    try self.init(fitting: byteCount, memory, inverting: methods, remembersSource: remembersSource)
    model = checkpoint.options.saving(in: model)
  }

  /// The same for networks whose needs are known.
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
      // Rounded up to what is enough.
      let bytes = (plans.map(\.byteCount).min() ?? 0) + leastFreeBuffers
      let hundredths = (bytes + 9_999_999) / 10_000_000
      return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) GB"
    }
    let work = differentiates ? "an inversion with gradients" : "this work"
    var sentence =
      "\(byteCount / 1_000_000) MB of memory are too few: \(work) needs \(least(plans)) with this model"
    if differentiates {
      sentence +=
        ", one without (negative-prompt, direct, ddim) or an edit "
        + least(MemoryPlan.all(memory, differentiates: false))
    }
    return sentence + "."
  }
}
