internal import NullTextInversion
internal import Tensor

/// Says once, as soon as the pace of this machine with this model is known, how long an inversion will take.
final class InversionForecast: Sendable {
  private let options: InversionOptions
  private let rest: CommandRest
  private let line: ProgressLine
  private let isSaid = Lock(false)

  /// Work shorter than this many seconds is not worth a line.
  private static let shortest = 10.0

  /// - Parameters:
  ///   - rest: what the command does after the inversion.
  ///   - line: where it is said, and where progress goes on.
  init(_ options: InversionOptions, before rest: CommandRest, on line: ProgressLine) {
    self.options = options
    self.rest = rest
    self.line = line
  }

  /// Hears of every step of the inversion.
  var handler: ProgressHandler {
    let show = line.handler(before: rest)
    return { [self] progress in
      if isFirst(progress), let text = Self.text(of: options, progress, before: rest) {
        line.note(text)
      }
      show(progress)
    }
  }

  /// Whether the pace is told for the first time.
  private func isFirst(_ progress: EditorProgress) -> Bool {
    guard progress.evaluation != nil else { return false }
    return isSaid.withLock { isSaid in
      defer { isSaid = true }
      return !isSaid
    }
  }

  /// As in "about 4 min 4 s: 50 evaluations at 5.1 s; null-text as published would take 15 to 92 min".
  ///
  /// - Returns: nil if there is little to do.
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
    let backwards = work.backward == 0 ? "" : " forwards and \(work.backward) backwards"
    return "about \(Format.duration(least, to: most)): \(forwards) evaluations\(backwards) at "
      + "\(Format.pace(evaluation))" + alternative(to: options, NetworkPace(evaluation: evaluation))
  }

  /// What another method would take: the published one, or those that are quicker.
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
