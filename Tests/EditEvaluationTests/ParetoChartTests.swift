import Testing

@testable import EditEvaluation

@Suite("Costs against edits") struct ParetoChartTests {
  private func points(_ numbers: [(Double, Double)]) -> [ParetoChart.Point] {
    numbers.enumerated().map { ParetoChart.Point(label: "\($0)", cost: $1.0, decibels: $1.1) }
  }

  @Test("the front has the methods that no other beats on both")
  func front() {
    let all = points([(100, 20), (50, 19), (50, 18), (200, 19.5), (10, 12), (300, 21), (20, 12)])
    let front = ParetoChart.front(all)
    #expect(front.map(\.label) == ["4", "1", "0", "5"])
    for point in all {
      let isBeaten = all.contains {
        $0 != point && $0.cost <= point.cost && $0.decibels >= point.decibels
      }
      #expect(front.contains(point) == !isBeaten)
    }
    #expect(ParetoChart.front([]).isEmpty)
  }
}
