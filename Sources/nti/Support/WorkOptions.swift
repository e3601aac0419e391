internal import ArgumentParser
internal import NullTextInversion
internal import Tensor

/// The options of every command that computes.
struct WorkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The number of processors to use (default: all); the result is the same with any number.",
      valueName: "n"))
  var threads: Int?

  @Flag(name: .long, help: "Print the result as one line of JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): must be between 1 and 1024.")
    }
  }

  /// Starts the work: sets the number of threads, and starts the clock and the progress line.
  func start() -> Work {
    if let threads { Parallel.threadCount = threads }
    return Work(progress: ProgressLine(isQuiet: quiet), printsJSON: json)
  }
}

/// A running command.
struct Work {
  let progress: ProgressLine
  let printsJSON: Bool
  private let start = ContinuousClock.now

  init(progress: ProgressLine, printsJSON: Bool) {
    self.progress = progress
    self.printsJSON = printsJSON
  }

  /// The seconds since the work began.
  var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  /// Prints the report as JSON with `--json`, otherwise the summary.
  func finish(_ report: Report, _ summary: @autoclosure () -> String) throws {
    progress.end()
    print(printsJSON ? try report.json() : summary())
  }
}
