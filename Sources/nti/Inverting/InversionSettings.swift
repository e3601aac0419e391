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
    help: ArgumentHelp("The loss at which the first step is done; later ones allow more.", valueName: "loss"))
  var earlyStop = 1e-5

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
      "With negative-prompt, how far to go from the caption's embedding to the empty text's.",
      valueName: "0…1"))
  var interpolation = 0.0

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
    options.earlyStop = earlyStop
    options.optimizer = optimizer ?? options.optimizer
    options.start = start ?? options.start
    options.interpolation = interpolation
    options.pivotRefinements = refinePivots
    if let randomPivots { options.pivots = .random(seed: randomPivots) }
    return options
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
