internal import ArgumentParser
internal import NullTextInversion

/// The options of an inversion.
struct InversionSettings: ParsableArguments {
  @Option(
    help: ArgumentHelp("The number of sampling steps (default: the method's, mostly 50).", valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "The strength of guidance under which the photo is to be reproduced (default: the method's, mostly 7.5).",
      valueName: "w"))
  var guidance: Double?

  @Option(
    help: ArgumentHelp("The most inner iterations of a step (default: 10, or 2 with --fast).", valueName: "n")
  )
  var innerSteps: Int?

  @Option(
    help: ArgumentHelp(
      "The loss at which the first step is done (default: 1e-5); later ones allow more.", valueName: "loss"))
  var earlyStop: Double?

  @Flag(
    help: "Null-text inversion in 16 steps with Gauss-Newton: a seventh of the published evaluations.")
  var fast = false

  @Option(
    help: ArgumentHelp(
      "How a null embedding is fitted: \(NullText.Optimizer.optionNames) (default: adam).",
      valueName: "way"),
    transform: NullText.Optimizer.init(optionName:))
  var optimizer: NullText.Optimizer?

  @Option(
    help: ArgumentHelp(
      "The null embedding to start from: \(NullEmbeddingStart.optionNames) (default: empty).",
      valueName: "text"),
    transform: NullEmbeddingStart.init(optionName:))
  var start: NullEmbeddingStart?

  @Option(
    help: ArgumentHelp(
      "With gauss-newton, the weight of the penalty that keeps null embeddings near the empty text's (default: 0, or 0.0015 with --fast).",
      valueName: "weight"))
  var regularization: Double?

  @Option(
    help: ArgumentHelp(
      "With gauss-newton, the number of last steps to fit without the penalty and with twice the iterations (default: 0, or 4 with --fast).",
      valueName: "n"))
  var finalSteps: Int?

  @Option(
    help: ArgumentHelp(
      "With negative-prompt, how far to go from the caption's embedding to the empty text's (default: 0).",
      valueName: "0…1"))
  var interpolation: Double?

  @Option(
    help: ArgumentHelp("Refine each pivot by so many fixed-point iterations at most.", valueName: "n"))
  var refinePivots: Int?

  @Option(
    help: ArgumentHelp(
      "Refine a pivot no further once its mean squared change is below this (default: refine always; spd-inv: 5e-6).",
      valueName: "change"))
  var pivotTolerance: Double?

  @Option(
    help: ArgumentHelp(
      "The strength of guidance on the way from photo to noise (default: 1; sim-inversion: 0.5).",
      valueName: "w"))
  var pivotGuidance: Double?

  @Option(
    help: ArgumentHelp(
      "The seed of the noise of edit-friendly, h-edit-r and inf-edit: each gives other edits (default: 0).",
      valueName: "n"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Take pivots of random noise instead of the inversion's (an ablation).", valueName: "seed"))
  var randomPivots: UInt64?

  /// The options of an inversion by a method, but for what is given.
  ///
  /// - Parameters:
  ///   - published: the method.
  ///   - budget: how long the inversion may take, of null-text alone.
  func options(_ published: PublishedMethod, budget: Duration? = nil) -> InversionOptions {
    options(over: published.inversion, budget: budget)
  }

  /// The same on top of other options.
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

  /// A method with the settings that are given.
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

  /// A line about a method that costs less where edits are all that is wanted; nil if the way was chosen by an option.
  func quickerMethod(than options: InversionOptions, _ recommended: EditingRecommendation) -> String? {
    guard !fast, optimizer == nil, start == nil, innerSteps == nil, earlyStop == nil else { return nil }
    let name = recommended.method ?? .direct
    guard name != options.method.name else { return nil }
    let (own, other) = (
      options.mostWork.evaluations, self.options(PublishedMethod(name)).mostWork.evaluations
    )
    return
      "--method \(name.optionName) edits as well with attention control, for \(other.forward + other.backward) "
      + "evaluations instead of up to \(own.forward + own.backward); `nti edit` edits a photo without inverting it first"
  }

  /// Refuses options that make no sense, and settings that none of some methods has.
  ///
  /// Limits on inner iterations are accepted for methods that make none, so that one command line fits all methods.
  func check(for methods: [PublishedMethod], budget: Duration? = nil) throws {
    var blank = self
    (blank.fast, blank.innerSteps, blank.optimizer, blank.start, blank.interpolation, blank.seed) = (
      false, nil, nil, nil, nil, nil
    )
    (blank.regularization, blank.finalSteps) = (nil, nil)
    blank.randomPivots = nil
    /// A method has a setting if two values of it make different options.
    func check(_ option: String, isGiven: Bool, _ values: (PublishedMethod) -> [InversionOptions]) throws {
      func hasSetting(_ name: PublishedMethod) -> Bool { Set(values(name)).count > 1 }
      guard !isGiven || methods.contains(where: hasSetting) else {
        let names = PublishedMethod.allCases.filter(hasSetting).map(\.optionName)
        throw ValidationError("\(option) is a setting of --method \(names.joined(separator: " or ")).")
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

  /// A time, as in `90` seconds, `90s` or `1.5m`.
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
  /// As in "8 steps, nothing to evaluate now and about 24 an edit".
  var summary: String {
    let evaluations = mostWork.evaluations
    let cost =
      evaluations.forward == 0
      ? "nothing to evaluate" : "up to \(evaluations.forward + evaluations.backward) evaluations"
    // A source row and two of the target.
    return "\(steps) steps, \(cost) now and about \(3 * steps) an edit"
  }
}
