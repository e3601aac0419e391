internal import NullTextInversion
internal import Tensor

/// Shows progress on standard error: one line that is rewritten on a terminal, otherwise a plain line at the beginning of
/// each phase.
final class ProgressLine: Sendable {
  private enum Style { case silent, plain, live }

  private struct State {
    var phase: EditorProgress.Phase?
    var title = ""
    var lastDrawn = ContinuousClock.now
    /// The last progress and its time; nil while nothing is running.
    var heard: (progress: EditorProgress, at: ContinuousClock.Instant)?
  }

  private let style: Style
  private let state = Lock(State())

  init(isQuiet: Bool) {
    style = isQuiet ? .silent : Terminal.isInteractive ? .live : .plain
    guard style == .live else { return }
    // An evaluation of a large model takes seconds. Meanwhile, the remaining time is counted down.
    Task.detached { [weak self] in
      while true {
        try? await Task.sleep(for: .seconds(1))
        guard let self else { return }
        countDown()
      }
    }
  }

  /// Begins a stage with a title; without one, only the phases are shown.
  func begin(_ title: String = "") {
    state.withLock { state in
      state.title = title
      state.phase = nil
      state.heard = nil
      guard !title.isEmpty else { return }
      switch style {
      case .silent: break
      case .plain: Terminal.write(title + "\n")
      case .live: draw(title, &state)
      }
    }
  }

  /// The progress handler of a long call.
  var handler: ProgressHandler { handler(before: CommandRest()) }

  /// Returns the progress handler of a long call that is followed by more work.
  func handler(before rest: CommandRest) -> ProgressHandler {
    { [self] in show(rest.added(to: $0)) }
  }

  /// Prints a permanent line above the progress.
  func note(_ text: String) {
    guard style != .silent else { return }
    state.withLock { _ in
      Terminal.eraseLine()
      Terminal.write(text + "\n")
    }
  }

  /// Erases the progress, so that only results remain.
  func end() {
    state.withLock { state in
      state.heard = nil
      Terminal.eraseLine()
    }
  }

  private func show(_ progress: EditorProgress) {
    guard style != .silent else { return }
    state.withLock { state in
      let isNewPhase = state.phase != progress.phase
      state.phase = progress.phase
      state.heard = (progress, .now)
      switch style {
      case .silent: break
      case .plain:
        if isNewPhase, progress.phase != .loading { Terminal.write(Self.line(state.title, progress) + "\n") }
      case .live:
        // Redraws at most 20 times per second.
        let isDue = ContinuousClock.now - state.lastDrawn >= .milliseconds(50)
        if isNewPhase || isDue || progress.step == progress.stepCount {
          draw(progress, &state)
        }
      }
    }
  }

  private func countDown() {
    state.withLock { state in
      guard let (progress, time) = state.heard else { return }
      var later = progress
      let passed = ContinuousClock.now - time
      later.remaining = progress.remaining.map { max(.zero, $0 - passed) }
      later.leastRemaining = progress.leastRemaining.map { max(.zero, $0 - passed) }
      draw(later, &state)
    }
  }

  private func draw(_ progress: EditorProgress, _ state: inout State) {
    draw("\(Self.heading(state.title, progress))  \(Self.details(of: progress))", &state)
  }

  private func draw(_ text: String, _ state: inout State) {
    Terminal.draw(text)
    state.lastDrawn = .now
  }

  private static func heading(_ title: String, _ progress: EditorProgress) -> String {
    [title, progress.phase.title].filter { !$0.isEmpty }.joined(separator: ": ")
  }

  /// Returns a plain line, as in "fitting null embeddings, 50 steps".
  private static func line(_ title: String, _ progress: EditorProgress) -> String {
    heading(title, progress) + (progress.stepCount > 1 ? ", \(progress.stepCount) steps" : "")
  }

  /// Returns the numbers of a progress, as in "12/50, 34 s left, inner 3, loss 1.24e-05".
  static func details(of progress: EditorProgress) -> String {
    var parts = progress.stepCount > 1 ? ["\(progress.step)/\(progress.stepCount)"] : []
    if let most = progress.remaining {
      let least = progress.leastRemaining ?? most
      parts.append("\(Format.duration(least / .seconds(1), to: most / .seconds(1))) left")
    }
    if progress.innerStep > 0 { parts.append("inner \(progress.innerStep)") }
    if let loss = progress.loss { parts.append("loss \(Format.scientific(Double(loss)))") }
    return parts.joined(separator: ", ")
  }
}

/// The work of a command after a long call.
struct CommandRest {
  /// The number of calls that take about as long.
  var calls = 0
  /// The number of network evaluations in other calls.
  var evaluations = 0

  /// Returns the progress with the time of this work added.
  func added(to progress: EditorProgress) -> EditorProgress {
    var progress = progress
    guard let most = progress.remaining, let least = progress.leastRemaining else { return progress }
    let evaluations = (progress.evaluation ?? .zero) * evaluations
    progress.remaining = most + (progress.elapsed + most) * calls + evaluations
    progress.leastRemaining = least + (progress.elapsed + least) * calls + evaluations
    return progress
  }
}

extension EditorProgress.Phase {
  /// The phase in words.
  var title: String {
    switch self {
    case .loading: "reading the model"
    case .encoding: "encoding the photo"
    case .pivots: "computing pivots"
    case .optimization: "fitting null embeddings"
    case .sampling: "sampling"
    case .decoding: "decoding the picture"
    }
  }
}
