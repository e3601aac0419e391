internal import NullTextInversion
internal import Tensor

/// Says once, as soon as the pace of this machine with this model is known, how long an inversion will take.
///
/// The pace is that of the second pivot: the first also pays for what is done once.
final class InversionForecast: Sendable {
  private let options: InversionOptions
  private let line: ProgressLine
  private let state = Lock((count: 0, elapsed: Duration.zero))

  /// Work shorter than this many seconds is not worth a line.
  private static let shortest = 10.0

  /// - Parameter line: where it is said, and where progress goes on.
  init(_ options: InversionOptions, on line: ProgressLine) {
    self.options = options
    self.line = line
  }

  /// Hears of every step of the inversion.
  var handler: ProgressHandler {
    { [self] progress in
      if progress.phase == .pivots, let seconds = pivotSeconds(progress),
        let text = Self.text(of: options, pivotSeconds: seconds, done: progress.step)
      {
        line.note(text)
      }
      line.handler(progress)
    }
  }

  /// The time that the second pivot took, when it is reported.
  private func pivotSeconds(_ progress: EditorProgress) -> Double? {
    state.withLock { state in
      state.count += 1
      defer { state.elapsed = progress.elapsed }
      return state.count == 2 ? (progress.elapsed - state.elapsed) / .seconds(1) : nil
    }
  }

  /// As in "about 4 min 4 s left: 48 evaluations at 5.1 s; null-text as published would take at most 1 h 12 min".
  ///
  /// - Parameters:
  ///   - pivotSeconds: how long a pivot takes.
  ///   - done: the pivots that are there.
  /// - Returns: nil if there is little to do.
  static func text(of options: InversionOptions, pivotSeconds: Double, done: Int) -> String? {
    let evaluationsPerPivot = 1 + options.pivotRefinements
    let evaluation = pivotSeconds / Double(evaluationsPerPivot)
    let pace = NetworkPace(evaluation: evaluation)
    func seconds(_ options: InversionOptions) -> Double { options.mostWork.seconds(at: pace) }

    var work = options.mostWork
    work.evaluations.forward -= done * evaluationsPerPivot
    var left = work.seconds(at: pace)
    if let budget = options.nullText?.budget { left = min(left, budget / .seconds(1)) }
    guard left >= shortest else { return nil }
    let (forward, backward) = (work.evaluations.forward, work.evaluations.backward)
    let evaluations =
      backward == 0
      ? "\(forward) evaluations" : "\(forward) evaluations forwards and \(backward) backwards"
    let share = backward == 0 ? "about" : "at most about"
    return "\(share) \(Format.duration(left)) left: \(evaluations) at \(Format.duration(evaluation))"
      + alternative(to: options, seconds)
  }

  /// What another method would take: the published one, or the fast one in its place.
  private static func alternative(
    to options: InversionOptions, _ seconds: (InversionOptions) -> Double
  ) -> String {
    var published = InversionOptions()
    (published.steps, published.pivots) = (min(options.steps, 100), options.pivots)
    guard options.method == published.method else {
      return "; null-text as published would take at most \(Format.duration(seconds(published)))"
    }
    published.method = .nullText(.fast)
    return "; --fast would take at most \(Format.duration(seconds(published)))"
  }
}
