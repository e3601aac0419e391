/// Says what the demo has made as soon as it is there: file, quality, and the seconds of the stage.
final class DemoLog {
  /// The pictures written so far.
  private(set) var pictures: [String] = []

  private let work: Work
  private var stageStart = ContinuousClock.now

  init(_ work: Work) { self.work = work }

  /// A stage begins.
  func begin(_ title: String) {
    stageStart = .now
    work.progress.begin(title)
  }

  /// A picture was written.
  func add(_ path: String, _ title: String, psnr: Double?, isTimed: Bool) {
    pictures.append(path)
    work.progress.end()
    guard !work.printsJSON else { return }
    let seconds = (ContinuousClock.now - stageStart) / .seconds(1)
    let columns = [
      path.padded(to: 26), title.padded(to: 36), psnr.map(Format.decibels)?.padded(to: 9) ?? "".padded(to: 9),
      isTimed ? Format.duration(seconds) : "",
    ]
    print(columns.joined(separator: "  ").trimmingSpacesAtEnd)
  }
}

extension String {
  /// The text with spaces behind it up to a width.
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  fileprivate var trimmingSpacesAtEnd: String {
    lastIndex { $0 != " " }.map { String(self[...$0]) } ?? ""
  }
}
