import NullTextInversion
import Testing

@testable import nti

@Suite("The forecast of nti invert") struct ForecastTests {
  /// Returns the forecast after two pivots.
  ///
  /// - Parameters:
  ///   - options: The options of the inversion.
  ///   - evaluation: The seconds per evaluation.
  ///   - least: The minimum of the remaining seconds.
  ///   - most: The maximum of the remaining seconds.
  ///   - rest: The work after the inversion.
  private func text(
    _ options: InversionOptions, evaluation: Double, least: Double, most: Double,
    rest: CommandRest = CommandRest()
  ) -> String? {
    var progress = EditorProgress(
      phase: .pivots, step: 2, stepCount: options.steps, elapsed: .seconds(2 * evaluation))
    progress.evaluation = .seconds(evaluation)
    (progress.leastRemaining, progress.remaining) = (.seconds(least), .seconds(most))
    return InversionForecast.text(of: options, progress, before: rest)
  }

  @Test("the forecast has the time of all evaluations, and of the published method") func direct() {
    // The published method takes 150 evaluations, and 50 to 500 inner iterations of 2.5 evaluations each.
    #expect(
      text(InversionOptions(method: .direct), evaluation: 4, least: 192, most: 192)
        == "about 3 min 20 s: 50 evaluations at 4.0 s; null-text as published would take about 0.3 to 1.6 h")
  }

  @Test("the forecast of a fitted method is a range, with the times of quicker methods") func published() {
    #expect(
      text(InversionOptions(), evaluation: 0.5, least: 99, most: 599)
        == "about 1 to 10 min: up to 650 forward and 500 backward evaluations at 0.5 s; "
        + "--fast would take about 24 s to 2 min, --method direct about 25 s")
  }

  @Test("a short evaluation is given in milliseconds") func milliseconds() throws {
    let text = text(InversionOptions(method: .ddim), evaluation: 0.0094, least: 11, most: 11)
    #expect(try #require(text).hasPrefix("about 11 s: 150 evaluations at 9 ms; "))
  }

  @Test("the forecast includes the work after the inversion") func rest() throws {
    let text = text(
      InversionOptions(method: .direct), evaluation: 1, least: 48, most: 48,
      rest: CommandRest(evaluations: 100))
    #expect(try #require(text).hasPrefix("about 2 min 30 s: 150 evaluations at 1.0 s;"))
    let many = self.text(
      InversionOptions(method: .direct), evaluation: 1, least: 48, most: 48, rest: CommandRest(calls: 3))
    #expect(try #require(many).hasPrefix("about 3 min 20 s: 50 evaluations at 1.0 s;"))
  }

  @Test("short work has no forecast") func none() {
    #expect(text(InversionOptions(method: .direct), evaluation: 0.1, least: 9, most: 9) == nil)
  }

  @Test(
    "a range of times is formatted briefly",
    arguments: [
      (3.0, 3.2, "3.2 s"), (10, 35, "10 to 35 s"), (40, 150, "40 s to 3 min"), (70, 601, "1 to 11 min"),
      (1800, 5400, "0.5 to 1.5 h"), (100, 100, "1 min 40 s"), (0, 0, "0.0 s"), (0, .infinity, "?"),
    ])
  func ranges(least: Double, most: Double, text: String) {
    #expect(Format.duration(least, to: most) == text)
  }
}
