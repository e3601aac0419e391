import NullTextInversion
import Testing

@testable import nti

@Suite("The forecast of nti invert") struct ForecastTests {
  private func text(_ options: InversionOptions, pivotSeconds: Double, done: Int = 2) -> String? {
    InversionForecast.text(of: options, pivotSeconds: pivotSeconds, done: done)
  }

  @Test("is the evaluations that are left at the pace of a pivot, beside the published method") func direct()
  {
    // 48 evaluations; all 650 forwards and 500 back, each of those one and a half.
    #expect(
      text(InversionOptions(method: .direct), pivotSeconds: 4)
        == "about 3 min 12 s left: 48 evaluations at 4.0 s; null-text as published would take at most 1 h 33 min"
    )
  }

  @Test("of the published method is the most, beside the fast one") func published() {
    #expect(
      text(InversionOptions(), pivotSeconds: 0.5)
        == "at most about 11 min 39 s left: 648 evaluations forwards and 500 backwards at 0.5 s; "
        + "--fast would take at most 4 min 10 s")
  }

  @Test("counts refinements, what is done already, and a budget") func others() throws {
    var options = InversionOptions(method: .direct)
    options.pivotRefinements = 1
    #expect(
      try #require(text(options, pivotSeconds: 2)).hasPrefix("about 1 min 36 s left: 96 evaluations at 1.0 s")
    )
    let resumed = text(InversionOptions(method: .direct), pivotSeconds: 1, done: 30)
    #expect(try #require(resumed).hasPrefix("about 20 s left: 20 evaluations at 1.0 s"))
    options = InversionOptions()
    options.nullText?.budget = .seconds(60)
    #expect(try #require(text(options, pivotSeconds: 1)).hasPrefix("at most about 1 min 0 s left"))
  }

  @Test("is not made of little work") func none() {
    #expect(text(InversionOptions(method: .direct), pivotSeconds: 0.2) == nil)
    #expect(text(InversionOptions(method: .direct), pivotSeconds: 9, done: 50) == nil)
  }
}
