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
    help: ArgumentHelp("The most inner iterations of a step (default: 10, or 2 with --fast).", valueName: "n"))
  var innerSteps: Int?

  @Option(
    help: ArgumentHelp("The loss at which the first step is done; later ones allow more.", valueName: "loss"))
  var earlyStop = 1e-5

  @Flag(help: "Start at the caption's embedding and make exact steps: far fewer evaluations than as published.")
  var fast = false

  @Option(
    help: ArgumentHelp(
      "How a null embedding is fitted: \(Self.names(InversionOptions.Optimizer.self)) (default: adam).",
      valueName: "way"),
    transform: { try Self.choice($0, "--optimizer") })
  var optimizer: InversionOptions.Optimizer?

  @Option(
    help: ArgumentHelp(
      "The null embedding to start from: \(Self.names(InversionOptions.Start.self)) (default: empty).",
      valueName: "text"),
    transform: { try Self.choice($0, "--start") })
  var start: InversionOptions.Start?

  @Option(
    help: ArgumentHelp(
      "With negativePrompt, how far to go from the caption's embedding to the empty text's.", valueName: "0…1"))
  var interpolation = 0.0

  @Option(
    help: ArgumentHelp("Refine each pivot by so many fixed-point iterations.", valueName: "n"))
  var refinePivots = 0

  @Option(
    help: ArgumentHelp("Take pivots of random noise instead of the inversion's (an ablation).", valueName: "seed"))
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

  static func method(_ text: String) throws -> InversionMethod { try choice(text, "--method") }

  /// A number of seconds, as in `90`, `90s` or `1.5m`.
  static func seconds(_ text: String) throws -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Double(unit == nil ? text : String(text.dropLast())), number.isFinite, number > 0 else {
      throw ValidationError("--budget \(text): write a time like 60s, 2m or 1h.")
    }
    return number * (unit ?? 1)
  }

  private static func names<C: RawRepresentable<String> & CaseIterable>(_: C.Type) -> String {
    C.allCases.map(\.rawValue).joined(separator: ", ")
  }

  private static func choice<C: RawRepresentable<String> & CaseIterable>(_ text: String, _ option: String) throws -> C {
    guard let choice = C(rawValue: text) else {
      throw ValidationError("\(option) \(text): choose one of \(names(C.self)).")
    }
    return choice
  }
}
