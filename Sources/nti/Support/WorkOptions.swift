internal import ArgumentParser
internal import NullTextInversion
internal import Tensor

/// What every command that computes can be told.
struct WorkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("How many processors to use; the result is the same with any number.", valueName: "n"))
  var threads: Int?

  @Flag(name: .long, help: "Print the result as one line of JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): ask for 1 to 1024.")
    }
  }

  /// Starts the work: sets the number of threads, the clock, and the line that shows progress.
  func start() -> Work {
    if let threads { Parallel.threadCount = threads }
    return Work(progress: ProgressLine(isQuiet: quiet), printsJSON: json)
  }
}

/// A command under way.
struct Work {
  let progress: ProgressLine
  let printsJSON: Bool
  private let start = ContinuousClock.now

  init(progress: ProgressLine, printsJSON: Bool) {
    self.progress = progress
    self.printsJSON = printsJSON
  }

  /// Seconds since the work began.
  var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  /// Prints what came out, for programs or for people.
  func finish(_ report: Report, _ summary: @autoclosure () -> String) throws {
    progress.end()
    print(printsJSON ? try report.json() : summary())
  }
}
