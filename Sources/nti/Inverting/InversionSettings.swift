internal import ArgumentParser
internal import NullTextInversion

/// The options of an inversion.
struct InversionSettings: ParsableArguments {
  @Option(
    help: ArgumentHelp("The number of sampling steps (default: the method's, usually 50).", valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "The guidance scale at which the photo is reproduced (default: the method's, usually 7.5).",
      valueName: "w"))
  var guidance: Double?

  @Option(
    help: ArgumentHelp(
      "The maximum number of inner iterations per step (default: 10, or 2 with --fast).", valueName: "n")
  )
  var innerSteps: Int?

  @Option(
    help: ArgumentHelp(
      "The loss at which the first step stops (default: 1e-5); later steps allow more.", valueName: "loss"))
  var earlyStop: Double?

  @Flag(
    help: "Null-text inversion by Gauss-Newton in 16 steps, with a seventh of the published evaluations.")
  var fast = false

  @Option(
    help: ArgumentHelp(
      "The optimizer of the null embeddings: \(NullText.Optimizer.optionNames) (default: adam).",
      valueName: "optimizer"),
    transform: NullText.Optimizer.init(optionName:))
  var optimizer: NullText.Optimizer?

  @Option(
    help: ArgumentHelp(
      "The initial null embedding: \(NullEmbeddingStart.optionNames) (default: empty).",
      valueName: "start"),
    transform: NullEmbeddingStart.init(optionName:))
  var start: NullEmbeddingStart?

  @Option(
    help: ArgumentHelp(
      "With gauss-newton: the weight of the penalty that keeps null embeddings near the empty text's (default: 0, "
        + "or 0.0015 with --fast).",
      valueName: "weight"))
  var regularization: Double?

  @Option(
    help: ArgumentHelp(
      "With gauss-newton: the number of final steps without the penalty and with twice the inner iterations (default: "
        + "0, or 4 with --fast).",
      valueName: "n"))
  var finalSteps: Int?

  @Option(
    help: ArgumentHelp(
      "With negative-prompt: the interpolation from the caption's embedding to the empty text's (default: 0).",
      valueName: "0…1"))
  var interpolation: Double?

  @Option(
    help: ArgumentHelp(
      "The maximum number of fixed-point iterations that refine each pivot (default: 0; spd-inv: 25).",
      valueName: "n"))
  var refinePivots: Int?

  @Option(
    help: ArgumentHelp(
      "Stop refining a pivot when its mean squared change is below this (default: never; spd-inv: 5e-6).",
      valueName: "change"))
  var pivotTolerance: Double?

  @Option(
    help: ArgumentHelp(
      "The guidance scale of the pivots, from photo to noise (default: 1; sim-inversion: 0.5).",
      valueName: "w"))
  var pivotGuidance: Double?

  @Option(
    help: ArgumentHelp(
      "The seed of the noise of edit-friendly, h-edit-r and inf-edit; each gives different edits (default: 0).",
      valueName: "n"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Use pivots of random noise instead of the inversion's (an ablation).", valueName: "seed"))
  var randomPivots: UInt64?

  /// Returns the options of a method with the given settings applied.
  ///
  /// - Parameters:
  ///   - published: The method.
  ///   - budget: The time limit of the inversion; only for null-text.
  func options(_ published: PublishedMethod, budget: Duration? = nil) -> InversionOptions {
    options(over: published.inversion, budget: budget)
  }

  /// Returns other options with the given settings applied.
  func options(over base: InversionOptions, budget: Duration? = nil) -> InversionOptions {
    var options = base
    if fast, options.nullText != nil {
      (options.method, options.steps) = (InversionOptions.fast.method, InversionOptions.fast.steps)
    }
    options.method = method(options.method, budget: budget)
    options.steps = steps ?? options.steps
    options.guidance = guidance ?? options.guidance
    options.pivotRefinements = refinePivots ?? options.pivotRefinements
    options.pivotTolerance = pivotTolerance ?? options.pivotTolerance
    options.pivotGuidance = pivotGuidance ?? options.pivotGuidance
    if let seed, options.noiseSeed != nil { options.pivots = .independentNoise(seed: seed) }
    if let randomPivots { options.pivots = .random(seed: randomPivots) }
    return options
  }

  /// Returns a method with the given settings applied.
  private func method(_ method: InversionMethod, budget: Duration?) -> InversionMethod {
    switch method {
    case .nullText(var settings):
      settings.innerSteps = innerSteps ?? settings.innerSteps
      settings.earlyStop = earlyStop ?? settings.earlyStop
      settings.optimizer = optimizer ?? settings.optimizer
      settings.start = start ?? settings.start
      if settings.optimizer != .gaussNewton { (settings.regularization, settings.finalSteps) = (0, 0) }
      settings.regularization = regularization ?? settings.regularization
      settings.finalSteps = finalSteps ?? settings.finalSteps
      settings.budget = budget
      return .nullText(settings)
    case .globalNullText(var settings):
      settings.sweeps = innerSteps ?? settings.sweeps
      settings.earlyStop = earlyStop ?? settings.earlyStop
      settings.start = start ?? settings.start
      return .globalNullText(settings)
    case .negativePrompt(var settings):
      settings.interpolation = interpolation ?? settings.interpolation
      return .negativePrompt(settings)
    case .direct, .ddim: return method
    }
  }

  /// Returns a hint at a cheaper method for edits; nil if an option sets the optimization, or for that method itself.
  func quickerMethod(than options: InversionOptions, _ recommended: EditingRecommendation) -> String? {
    guard !fast, optimizer == nil, start == nil, innerSteps == nil, earlyStop == nil else { return nil }
    let name = recommended.method ?? .direct
    guard name != options.method.name else { return nil }
    let (own, other) = (
      options.mostWork.evaluations, self.options(PublishedMethod(name)).mostWork.evaluations
    )
    return
      "--method \(name.optionName) gives equally good edits with attention control, with \(other.forward + other.backward) "
      + "evaluations instead of up to \(own.forward + own.backward); `nti edit` also edits a photo directly"
  }

  /// Checks the settings for some methods.
  ///
  /// Limits on inner iterations are accepted for methods without inner iterations, so that one command line fits all
  /// methods.
  ///
  /// - Throws: `ValidationError` for invalid values, and for a setting that none of the methods has.
  func check(for methods: [PublishedMethod], budget: Duration? = nil) throws {
    var blank = self
    (blank.fast, blank.innerSteps, blank.optimizer, blank.start, blank.interpolation, blank.seed) = (
      false, nil, nil, nil, nil, nil
    )
    (blank.regularization, blank.finalSteps) = (nil, nil)
    blank.randomPivots = nil
    /// Throws if a given option is a setting of none of the methods.
    ///
    /// A method has a setting if two of its values give different options.
    func check(_ option: String, isGiven: Bool, _ values: (PublishedMethod) -> [InversionOptions]) throws {
      func hasSetting(_ name: PublishedMethod) -> Bool { Set(values(name)).count > 1 }
      guard !isGiven || methods.contains(where: hasSetting) else {
        let names = PublishedMethod.allCases.filter(hasSetting).map(\.optionName)
        throw ValidationError("\(option) applies only to --method \(names.joined(separator: " or ")).")
      }
    }
    func values<Value>(_ setting: WritableKeyPath<InversionSettings, Value>, _ values: Value...)
      -> (PublishedMethod) -> [InversionOptions]
    {
      { name in
        values.map { value in
          var settings = blank
          settings[keyPath: setting] = value
          return settings.options(name)
        }
      }
    }
    try check("--start", isGiven: start != nil, values(\.start, .empty, .caption))
    try check("--fast", isGiven: fast, values(\.fast, false, true))
    try check("--regularization", isGiven: regularization != nil, values(\.regularization, 0, 1))
    try check("--final-steps", isGiven: finalSteps != nil, values(\.finalSteps, 0, 1))
    try check("--optimizer", isGiven: optimizer != nil, values(\.optimizer, .adam, .conjugateDirections))
    try check("--interpolation", isGiven: interpolation != nil, values(\.interpolation, 0, 1))
    try check("--seed", isGiven: seed != nil, values(\.seed, 0, 1))
    try check("--budget", isGiven: budget != nil) { name in
      [nil, .seconds(1)].map { blank.options(name, budget: $0) }
    }
    for name in methods {
      do { try options(name, budget: budget).validate() } catch { throw ValidationError(error.message) }
    }
  }

  /// Parses a time, as in `90` (seconds), `90s`, `1.5m` or `1h`.
  static func duration(_ text: String) throws -> Duration {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Double(unit == nil ? text : String(text.dropLast())), number.isFinite, number > 0
    else {
      throw ValidationError("write a time like 60s, 2m or 1h.")
    }
    do {
      return try NullText.budget(seconds: number * (unit ?? 1))
    } catch {
      throw ValidationError(error.message)
    }
  }
}

extension InversionOptions {
  /// The steps and the evaluations, as in "8 steps, no evaluations for the inversion and about 24 per edit".
  var summary: String {
    let evaluations = mostWork.evaluations
    let cost =
      evaluations.forward == 0
      ? "no evaluations" : "up to \(evaluations.forward + evaluations.backward) evaluations"
    // Per step: one evaluation for the source and two for the target.
    return "\(steps) steps, \(cost) for the inversion and about \(3 * steps) per edit"
  }
}
