internal import NullTextInversion
internal import Tensor

/// Shows on standard error how far the work has come: on a terminal one line that is rewritten, elsewhere a plain line
/// when something begins, for logs.
final class ProgressLine: Sendable {
  private enum Style { case silent, plain, live }

  private struct State {
    var isDrawn = false
    var phase: EditorProgress.Phase?
    var title = ""
    var lastDrawn = ContinuousClock.now
  }

  private let style: Style
  private let state = Lock(State())

  init(isQuiet: Bool) { style = isQuiet ? .silent : Terminal.isInteractive ? .live : .plain }

  /// Names what begins now; without a name only the phases of the work are named.
  func begin(_ title: String = "") {
    state.withLock { state in
      state.title = title
      state.phase = nil
      guard !title.isEmpty else { return }
      switch style {
      case .silent: break
      case .plain: Terminal.write(title + "\n")
      case .live: draw(title, &state)
      }
    }
  }

  /// Hears of every step of a long call.
  var handler: ProgressHandler { { [self] in show($0) } }

  /// Says something that stays, above what goes on.
  func note(_ text: String) {
    state.withLock { state in
      guard style != .silent else { return }
      Terminal.write((state.isDrawn ? "\r\u{1B}[K" : "") + text + "\n")
      state.isDrawn = false
    }
  }

  /// Takes the line away, so that results stand alone.
  func end() {
    state.withLock { state in
      if state.isDrawn { Terminal.write("\r\u{1B}[K") }
      state.isDrawn = false
    }
  }

  private func show(_ progress: EditorProgress) {
    guard style != .silent else { return }
    state.withLock { state in
      let isNewPhase = state.phase != progress.phase
      state.phase = progress.phase
      switch style {
      case .silent: break
      case .plain:
        if isNewPhase { Terminal.write("\(heading(state, progress)), \(progress.stepCount) steps\n") }
      case .live:
        // Twenty times a second is enough for the eye, and costs nothing.
        let isDue = ContinuousClock.now - state.lastDrawn >= .milliseconds(50)
        if isNewPhase || isDue || progress.step == progress.stepCount {
          draw("\(heading(state, progress))  \(Self.details(of: progress))", &state)
        }
      }
    }
  }

  private func heading(_ state: State, _ progress: EditorProgress) -> String {
    [state.title, progress.phase.title].filter { !$0.isEmpty }.joined(separator: ": ")
  }

  private func draw(_ text: String, _ state: inout State) {
    // A line that wraps could not be taken back.
    Terminal.write("\r\(text.prefix(Terminal.width - 1))\u{1B}[K")
    state.isDrawn = true
    state.lastDrawn = .now
  }

  /// As in "12/50, inner 3, loss 1.24e-05, 34 s left".
  static func details(of progress: EditorProgress) -> String {
    var parts = ["\(progress.step)/\(progress.stepCount)"]
    if progress.innerStep > 0 { parts.append("inner \(progress.innerStep)") }
    if let loss = progress.loss { parts.append("loss \(Format.scientific(Double(loss)))") }
    if let remaining = progress.remaining { parts.append("\(Format.duration(remaining / .seconds(1))) left") }
    return parts.joined(separator: ", ")
  }
}

extension EditorProgress.Phase {
  /// What is being done, for people.
  var title: String {
    switch self {
    case .pivots: "following the picture into noise"
    case .optimisation: "fitting null embeddings"
    case .sampling: "walking from noise to picture"
    }
  }
}
