internal import NullTextInversion
internal import Tensor

/// Prints once how long an inversion will take, as soon as the time per evaluation is known.
final class InversionForecast: Sendable {
  private let options: InversionOptions
  private let rest: CommandRest
  private let line: ProgressLine
  private let isSaid = Lock(false)

  /// The minimum time in seconds of work for which a forecast is printed.
  private static let shortest = 10.0

  /// Creates the forecast of an inversion.
  ///
  /// - Parameters:
  ///   - options: The options of the inversion.
  ///   - rest: The work of the command after the inversion.
  ///   - line: The line on which the forecast and the progress are printed.
  init(_ options: InversionOptions, before rest: CommandRest, on line: ProgressLine) {
    self.options = options
    self.rest = rest
    self.line = line
  }

  /// The progress handler of the inversion.
  var handler: ProgressHandler {
    let show = line.handler(before: rest)
    return { [self] progress in
      if isFirst(progress), let text = Self.text(of: options, progress, before: rest) {
        line.note(text)
      }
      show(progress)
    }
  }

  /// Returns whether this is the first progress with a known time per evaluation.
  private func isFirst(_ progress: EditorProgress) -> Bool {
    guard progress.evaluation != nil else { return false }
    return isSaid.withLock { isSaid in
      defer { isSaid = true }
      return !isSaid
    }
  }

  /// Returns the forecast; nil for work of less than 10 s.
  ///
  /// As in "about 4 min 4 s: 50 evaluations at 5.1 s; null-text as published would take about 15 to 92 min".
  static func text(
    of options: InversionOptions, _ progress: EditorProgress, before rest: CommandRest
  ) -> String? {
    let whole = rest.added(to: progress)
    guard let evaluation = whole.evaluation.map({ $0 / .seconds(1) }),
      let least = whole.leastRemaining.map({ ($0 + whole.elapsed) / .seconds(1) }),
      let most = whole.remaining.map({ ($0 + whole.elapsed) / .seconds(1) }), most >= shortest
    else { return nil }
    let (fewest, work) = (options.leastWork.evaluations, options.mostWork.evaluations)
    let evaluations = work.forward + rest.evaluations
    let forwards = fewest == work ? "\(evaluations)" : "up to \(evaluations)"
    let backwards = work.backward == 0 ? "" : " forward and \(work.backward) backward"
    return "about \(Format.duration(least, to: most)): \(forwards)\(backwards) evaluations at "
      + "\(Format.pace(evaluation))" + alternative(to: options, NetworkPace(evaluation: evaluation))
  }

  /// Returns the time of the published method or, for the published method, of quicker ones.
  private static func alternative(to options: InversionOptions, _ pace: NetworkPace) -> String {
    func text(_ other: InversionOptions, steps: Int) -> String {
      var other = other
      other.steps = min(steps, 100)
      if case .random = options.pivots { other.pivots = options.pivots }
      return Format.duration(other.leastWork.seconds(at: pace), to: other.mostWork.seconds(at: pace))
    }
    guard options.nullText?.optimizer == .adam else {
      return "; null-text as published would take about \(text(InversionOptions(), steps: options.steps))"
    }
    let (fast, direct) = (InversionOptions.fast, InversionOptions(method: .direct))
    return
      "; --fast would take about \(text(fast, steps: fast.steps)), --method direct about \(text(direct, steps: options.steps))"
  }
}
