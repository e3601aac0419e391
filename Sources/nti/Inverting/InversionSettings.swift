internal import ArgumentParser
internal import NullTextInversion

/// The options of an inversion.
struct InversionSettings: ParsableArguments {
  @Option(help: ArgumentHelp("The number of sampling steps.", valueName: "n"))
  var steps = 50

  @Option(
    help: ArgumentHelp("The strength of guidance under which the photo is to be reproduced.", valueName: "w"))
  var guidance = 7.5

  @Option(
    help: ArgumentHelp("The most inner iterations of a step (default: 10, or 2 with --fast).", valueName: "n")
  )
  var innerSteps: Int?

  @Option(
    help: ArgumentHelp(
      "The loss at which the first step is done (default: 1e-5); later ones allow more.", valueName: "loss"))
  var earlyStop: Double?

  @Flag(
    help: "Start at the caption's embedding and make exact steps: far fewer evaluations than as published.")
  var fast = false

  @Option(
    help: ArgumentHelp(
      "How a null embedding is fitted: \(InversionOptions.Optimizer.optionNames) (default: adam).",
      valueName: "way"),
    transform: InversionOptions.Optimizer.init(optionName:))
  var optimizer: InversionOptions.Optimizer?

  @Option(
    help: ArgumentHelp(
      "The null embedding to start from: \(InversionOptions.Start.optionNames) (default: empty).",
      valueName: "text"),
    transform: InversionOptions.Start.init(optionName:))
  var start: InversionOptions.Start?

  @Option(
    help: ArgumentHelp(
      "With negative-prompt, how far to go from the caption's embedding to the empty text's (default: 0).",
      valueName: "0…1"))
  var interpolation: Double?

  @Option(
    help: ArgumentHelp("Refine each pivot by so many fixed-point iterations.", valueName: "n"))
  var refinePivots = 0

  @Option(
    help: ArgumentHelp(
      "Take pivots of random noise instead of the inversion's (an ablation).", valueName: "seed"))
  var randomPivots: UInt64?

  func validate() throws {
    do { try options.validate() } catch { throw ValidationError(error.message) }
  }

  /// The same for the library.
  var options: InversionOptions {
    var options = fast ? InversionOptions.fast : InversionOptions()
    options.steps = steps
    options.guidance = guidance
    options.innerSteps = innerSteps ?? options.innerSteps
    options.earlyStop = earlyStop ?? options.earlyStop
    options.optimizer = optimizer ?? options.optimizer
    options.start = start ?? options.start
    options.interpolation = interpolation ?? options.interpolation
    options.pivotRefinements = refinePivots
    if let randomPivots { options.pivots = .random(seed: randomPivots) }
    return options
  }

  /// Refuses settings that none of some methods uses.
  ///
  /// A limit on inner iterations is kept by a method that makes none.
  func check(for methods: [InversionMethod]) throws {
    func check(_ name: String, _ isGiven: Bool, _ users: InversionMethod...) throws {
      guard !isGiven || users.contains(where: methods.contains) else {
        let names = users.map(\.optionName).joined(separator: " or ")
        throw ValidationError("\(name) is a setting of --method \(names).")
      }
    }
    try check("--start", start != nil, .nullText, .globalNullText)
    try check("--fast", fast, .nullText)
    try check("--optimizer", optimizer != nil, .nullText)
    try check("--interpolation", interpolation != nil, .negativePrompt)
  }

  /// A number of seconds, as in `90`, `90s` or `1.5m`.
  static func seconds(_ text: String) throws -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Double(unit == nil ? text : String(text.dropLast())), number.isFinite, number > 0
    else {
      throw ValidationError("write a time like 60s, 2m or 1h.")
    }
    return number * (unit ?? 1)
  }
}
