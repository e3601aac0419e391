internal import EditEvaluation
internal import NullTextInversion
internal import Tensor

/// Logs an evaluation on standard error: a line per finished record and, on a terminal, the progress of the current one.
final class EvaluationLog: Sendable {
  private let label: String
  private let progress: ProgressLine
  private let isQuiet: Bool
  private let place = Lock("")

  init(label: String, progress: ProgressLine, isQuiet: Bool) {
    self.label = label
    self.progress = progress
    self.isQuiet = isQuiet
  }

  func hear(_ event: Evaluation.Event) {
    switch event {
    case .began(let record, let position, let count):
      let title = "\(label) \(position)/\(count) \(record.id)"
      place.withLock { $0 = title }
      // The log of a long run should have only one line per record.
      if Terminal.isInteractive { progress.begin(title) }
    case .progress(let step):
      if Terminal.isInteractive { progress.handler(step) }
    case .finished(let result, let isNew):
      guard !isQuiet else { return }
      let numbers = [
        "outside \(EvaluationText.number(result.metrics[.psnrOutside], 2)) dB",
        "reconstruction \(EvaluationText.number(result.metrics[.reconstructionPSNR], 2)) dB",
        isNew ? Format.duration(result.metrics[.seconds] ?? .nan) : "from an earlier run",
      ]
      for note in [numbers.joined(separator: ", ")] + (isNew ? result.notes : []) { say(note) }
    case .failed(_, let error): say(error.message)
    }
  }

  private func say(_ text: String) {
    progress.end()
    Terminal.write("\(place.withLock { $0 }): \(text)\n")
  }
}
