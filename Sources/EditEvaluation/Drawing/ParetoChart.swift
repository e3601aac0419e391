internal import Foundation

/// A chart of the cost of methods against the accuracy of their edits: evaluations on a logarithmic axis against decibels.
///
/// A line joins the methods of the Pareto front, that is, those for which no other method is better in both. The
/// label of a method is left out if there is no space for it.
struct ParetoChart {
  /// One method in one panel.
  struct Point: Equatable {
    var label: String
    /// The number of forward and backward evaluations of inversion and edit.
    var cost: Double
    var decibels: Double
  }

  private struct Panel {
    let title: String
    let points: [Point]
  }

  private let panels: [Panel]
  private let costs: LogRange

  private static let (width, panelHeight, top, gap) = (880.0, 330.0, 64.0, 84.0)

  /// Creates the chart of a table.
  ///
  /// - Parameter table: The table; a method without a panel's metric is left out of that panel.
  init(_ table: EvaluationTable) {
    let metrics: [(EvaluationMetric, String)] = [
      (.answerPSNRInside, "inside the region to edit, against the ground truth (dB)"),
      (.answerPSNROutside, "outside the region to edit, against the ground truth (dB)"),
      (.psnrOutside, "outside the region to edit, against the source (dB)"),
    ]
    panels = metrics.compactMap { metric, title in
      let points = table.methods.compactMap { Self.point($0, metric) }
      return points.isEmpty ? nil : Panel(title: title, points: points)
    }
    costs = LogRange(panels.flatMap(\.points).map(\.cost))
  }

  private static func point(_ method: EvaluationTable.Method, _ metric: EvaluationMetric) -> Point? {
    guard let decibels = method.mean(of: metric), decibels.isFinite,
      let forward = method.mean(of: .forward), let backward = method.mean(of: .backward),
      forward + backward > 0
    else { return nil }
    return Point(label: method.label, cost: forward + backward, decibels: decibels)
  }

  /// Returns the Pareto front, by ascending cost: the points for which no other has lower cost and more decibels.
  static func front(_ points: [Point]) -> [Point] {
    points.sorted { ($0.cost, -$0.decibels) < ($1.cost, -$1.decibels) }.reduce(into: []) { front, point in
      if front.last.map({ point.decibels > $0.decibels }) ?? true { front.append(point) }
    }
  }

  /// The chart as the text of an SVG file.
  var svg: String {
    var svg = SVG(
      width: Self.width,
      height: Self.top + Double(panels.count) * (Self.panelHeight + Self.gap))
    svg.add("Network evaluations and accuracy of the edits", x: 28, y: 36, size: 19, weight: 600)
    for (index, panel) in panels.enumerated() {
      let y = Self.top + 20 + Double(index) * (Self.panelHeight + Self.gap)
      draw(panel, Plot(x: 84, y: y, width: Self.width - 84 - 28, height: Self.panelHeight, count: 1), &svg)
    }
    return svg.text
  }

  private func draw(_ panel: Panel, _ plot: Plot, _ svg: inout SVG) {
    let values = panel.points.map(\.decibels)
    let (low, high) = ((values.min() ?? 0).rounded(.down), (values.max() ?? 0).rounded(.down) + 1)
    func x(_ cost: Double) -> Double { plot.x + plot.width * costs.fraction(cost) }
    func y(_ decibels: Double) -> Double { plot.y + plot.height * (1 - (decibels - low) / (high - low)) }

    svg.add(panel.title, x: plot.x, y: plot.y - 10, size: 13)
    for step in LossChart.roundSteps(upTo: Int(high - low), about: 6) {
      let height = y(low + Double(step))
      svg.addLine(plot.x, height, plot.x + plot.width, height, style: LineStyle.grid)
      svg.add("\(Int(low) + step)", x: plot.x - 10, y: height + 4, size: 12, anchor: "end")
    }
    for tick in costs.ticks {
      svg.addLine(x(tick.value), plot.y, x(tick.value), plot.y + plot.height, style: LineStyle.grid)
      svg.add(
        SVG.number(tick.value), x: x(tick.value), y: plot.y + plot.height + 20, size: 12, anchor: "middle")
    }
    svg.add(
      "forward and backward evaluations of inversion and edit", x: plot.x + plot.width / 2,
      y: plot.y + plot.height + 42, size: 13, anchor: "middle")
    svg.addFrame(plot)

    let front = Self.front(panel.points)
    let path = front.map { "\(SVG.number(x($0.cost))) \(SVG.number(y($0.decibels)))" }.joined(separator: "L")
    svg.addPath("M" + path, style: LineStyle.distance)
    func dot(_ point: Point) -> (x: Double, y: Double) { (x(point.cost), y(point.decibels)) }
    var layout = LabelLayout(in: plot, size: 11, dots: panel.points.map(dot))
    let others = panel.points.filter { !front.contains($0) }.sorted { $0.decibels > $1.decibels }
    for point in front + others {
      svg.addDot(dot(point).x, dot(point).y)
      guard let place = layout.place(point.label, at: dot(point)) else { continue }
      svg.add(
        point.label, x: place.x, y: place.y, size: 11,
        color: front.contains(point) ? Color.text : Color.quiet, anchor: place.anchor)
    }
  }
}

extension EvaluationTable {
  /// A chart of the cost of the methods against the accuracy of their edits, as the text of an SVG file.
  ///
  /// A line joins the Pareto front, that is, the methods for which no other is better in both.
  public var paretoChart: String { ParetoChart(self).svg }
}
