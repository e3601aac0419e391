import TestSupport
import Testing

@testable import EditEvaluation

@Suite("Pareto chart") struct ParetoChartTests {
  private func points(_ numbers: [(Double, Double)]) -> [ParetoChart.Point] {
    numbers.enumerated().map { ParetoChart.Point(label: "\($0)", cost: $1.0, decibels: $1.1) }
  }

  @Test("the front has the methods for which no other is better in both cost and accuracy")
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

  @Test(
    "labels are inside the plot and overlap neither each other nor dots; a single label is right of its dot")
  func labels() throws {
    let plot = Plot(x: 50, y: 20, width: 600, height: 300, count: 1)
    var random = SplitMix(seed: 7)
    let dots = (0..<40).map { _ in
      (x: Double.random(in: 50...650, using: &random), y: Double.random(in: 20...320, using: &random))
    }
    var layout = LabelLayout(in: plot, size: 10, dots: dots)
    var boxes: [(left: Double, right: Double, top: Double, bottom: Double)] = []
    for dot in dots {
      guard let place = layout.place("method-50", at: dot) else { continue }
      let left = place.anchor == "start" ? place.x : place.x - 45
      boxes.append((left, left + 45, place.y - 8, place.y))
    }
    #expect(boxes.count > 20)
    for (index, box) in boxes.enumerated() {
      #expect(box.left >= 50 && box.right <= 650 && box.top >= 20 && box.bottom <= 320)
      for other in boxes[..<index] {
        #expect(
          box.right < other.left || other.right < box.left || box.bottom < other.top || other.bottom < box.top
        )
      }
      for dot in dots {
        #expect(dot.x < box.left || dot.x > box.right || dot.y < box.top || dot.y > box.bottom)
      }
    }
    var lone = LabelLayout(in: plot, size: 10, dots: [(300, 200)])
    let free = lone.place("method", at: (300, 200))
    let place = try #require(free)
    #expect(place.anchor == "start" && place.x > 300 && abs(place.y - 200) < 10)
  }
}
