internal import Foundation

/// A chart of a report's steps: losses and their stopping thresholds on a logarithmic axis, and below them the numbers of
/// inner iterations.
struct LossChart {
  private let report: InversionReport
  private let losses: Plot
  private let iterations: Plot
  private let range: LogRange

  private static let width = 880.0
  private static let height = 580.0

  init(_ report: InversionReport) {
    self.report = report
    losses = Plot(x: 84, y: 132, width: Self.width - 84 - 28, height: 256, count: report.steps.count)
    iterations = Plot(x: 84, y: 416, width: Self.width - 84 - 28, height: 96, count: report.steps.count)
    range = LogRange(
      report.steps.flatMap { [$0.loss.map(Double.init), $0.threshold, $0.distance].compactMap(\.self) })
  }

  /// The chart as the text of an SVG file.
  var svg: String {
    var svg = SVG(width: Self.width, height: Self.height)
    drawHeading(&svg)
    drawLegend(&svg)
    drawLosses(&svg)
    drawIterations(&svg)
    return svg.text
  }

  private func drawHeading(_ svg: inout SVG) {
    let options = report.options
    svg.add(
      "Inversion by \(options.method.name.rawValue): \(report.steps.count) steps, guidance \(Self.short(options.guidance))",
      x: 28, y: 36, size: 19, weight: 600)
    let caption = report.caption.count > 100 ? "\(report.caption.prefix(99))…" : report.caption
    svg.add("“\(caption)”", x: 28, y: 60, size: 14, color: Color.quiet)
    let fidelities = [
      ("reconstruction", report.reconstruction), ("DDIM alone", report.ddim),
      ("autoencoder", report.autoencoder),
    ]
    let parts = fidelities.map { "\($0) \(Self.fixed($1.psnr, 2)) dB, SSIM \(Self.fixed($1.ssim, 3))" }
    svg.add(parts.joined(separator: "   ·   "), x: 28, y: 84, size: 13)
  }

  private func drawLegend(_ svg: inout SVG) {
    let isOptimized = report.steps.contains { $0.loss != nil }
    var x = losses.x
    let entries: [(name: String, length: Double, style: String)] = [
      ("last measured loss", 118, LineStyle.loss), ("stopping threshold", 120, LineStyle.threshold),
      ("distance of the latents to the pivots", 216, LineStyle.distance),
    ]
    for entry in isOptimized ? entries : Array(entries.suffix(1)) {
      svg.addLine(x, 114, x + 24, 114, style: entry.style)
      svg.add(entry.name, x: x + 31, y: 118, size: 12)
      x += 31 + entry.length + 26
    }
  }

  private func drawLosses(_ svg: inout SVG) {
    for tick in range.ticks {
      let y = losses.y + losses.height * (1 - range.fraction(tick.value))
      svg.addLine(
        losses.x, y, losses.x + losses.width, y, style: tick.isDecade ? LineStyle.grid : LineStyle.fineGrid)
      svg.add(tick.label, x: losses.x - 10, y: y + 4, size: 12, anchor: "end")
    }
    svg.addTurned("mean squared error (latent)", x: 26, y: losses.y + losses.height / 2)
    draw(report.steps.map(\.threshold), style: LineStyle.threshold, &svg)
    draw(report.steps.map(\.distance), style: LineStyle.distance, &svg)
    let values = report.steps.map { $0.loss.map(Double.init) }
    draw(values, style: LineStyle.loss, &svg)
    if report.steps.count <= 100 {
      for (index, value) in values.enumerated() {
        guard let value, let point = point(index, value) else { continue }
        svg.addDot(point.x, point.y)
      }
    }
    if range.isEmpty {
      svg.add(
        "The latents equal the pivots in every step.", x: losses.x + losses.width / 2,
        y: losses.y + losses.height / 2, size: 14, color: Color.quiet, anchor: "middle")
    }
    svg.addFrame(losses)
  }

  private func drawIterations(_ svg: inout SVG) {
    let most = max(report.steps.map(\.innerSteps).max() ?? 0, 1)
    for count in Self.roundSteps(upTo: most, about: 3) {
      let y = iterations.y + iterations.height * (1 - Double(count) / Double(most))
      svg.addLine(iterations.x, y, iterations.x + iterations.width, y, style: LineStyle.grid)
      svg.add("\(count)", x: iterations.x - 10, y: y + 4, size: 12, anchor: "end")
    }
    for (index, step) in report.steps.enumerated() where step.innerSteps > 0 {
      let height = iterations.height * Double(step.innerSteps) / Double(most)
      svg.addBar(
        iterations.center(of: index) - iterations.slot * 0.36, iterations.y + iterations.height - height,
        iterations.slot * 0.72, height)
    }
    svg.addTurned("inner iterations", x: 26, y: iterations.y + iterations.height / 2)
    svg.addFrame(iterations)
    let bottom = iterations.y + iterations.height
    for step in Self.roundSteps(upTo: report.steps.count, about: 10) where step > 0 {
      let x = iterations.center(of: step - 1)
      svg.addLine(x, bottom, x, bottom + 5, style: LineStyle.axis)
      svg.add("\(step)", x: x, y: bottom + 20, size: 12, anchor: "middle")
    }
    svg.add(
      "step, from noise to picture", x: iterations.x + iterations.width / 2, y: bottom + 44, size: 13,
      anchor: "middle")
    let total = "\(report.innerSteps) inner iterations, \(report.evaluations.forward) forward and "
    svg.add(
      total + "\(report.evaluations.backward) backward evaluations", x: iterations.x + iterations.width,
      y: bottom + 60,
      size: 11, color: Color.quiet, anchor: "end")
  }

  /// Draws a line through the values above zero, interrupted at the others.
  private func draw(_ values: [Double?], style: String, _ svg: inout SVG) {
    var path = ""
    var isOpen = false
    for (index, value) in values.enumerated() {
      guard let value, let point = point(index, value) else {
        isOpen = false
        continue
      }
      path += "\(isOpen ? "L" : "M")\(SVG.number(point.x)) \(SVG.number(point.y))"
      isOpen = true
    }
    if !path.isEmpty { svg.addPath(path, style: style) }
  }

  private func point(_ index: Int, _ value: Double) -> (x: Double, y: Double)? {
    guard value > 0, value.isFinite else { return nil }
    return (losses.center(of: index), losses.y + losses.height * (1 - range.fraction(value)))
  }

  /// Returns the multiples of a round number from 0 to `limit`, about `about` of them.
  static func roundSteps(upTo limit: Int, about: Int) -> [Int] {
    let rough = max(1, limit / about)
    var unit = 1
    while unit * 10 <= rough { unit *= 10 }
    let step = [1, 2, 5, 10].map { $0 * unit }.first { $0 >= rough } ?? rough
    return Array(stride(from: 0, through: limit, by: step))
  }

  private static func fixed(_ value: Double, _ places: Int) -> String {
    String(format: "%.\(places)f", value)
  }
  private static func short(_ value: Double) -> String {
    value == value.rounded() ? fixed(value, 0) : "\(value)"
  }
}

/// A rectangle divided horizontally into `count` equal slots.
struct Plot {
  var x: Double
  var y: Double
  var width: Double
  var height: Double
  var count: Int

  var slot: Double { width / Double(max(count, 1)) }
  func center(of index: Int) -> Double { x + (Double(index) + 0.5) * slot }
}

/// The range of whole powers of ten around some values.
struct LogRange {
  private let low: Int
  private let high: Int
  /// Whether no value is above zero.
  let isEmpty: Bool

  init(_ values: [Double]) {
    let logs = values.filter { $0 > 0 && $0.isFinite }.map { log10($0) }
    isEmpty = logs.isEmpty
    low = Int((logs.min() ?? -5).rounded(.down))
    high = max(low + 1, Int((logs.max() ?? -3).rounded(.up)))
  }

  /// Returns the position of a value between the ends, 0 to 1.
  func fraction(_ value: Double) -> Double { (log10(value) - Double(low)) / Double(high - low) }

  /// The ticks at powers of ten, and at two and five times each if the range has at most two decades.
  var ticks: [(value: Double, label: String, isDecade: Bool)] {
    let stride = max(1, (high - low) / 8)
    var ticks: [(value: Double, label: String, isDecade: Bool)] = []
    for exponent in low...high where (exponent - low) % stride == 0 {
      let decade = pow(10, Double(exponent))
      ticks.append((decade, "10" + Self.superscript(exponent), true))
      guard high - low <= 2, exponent < high else { continue }
      for factor in [2, 5] {
        ticks.append((decade * Double(factor), "\(factor)·10" + Self.superscript(exponent), false))
      }
    }
    return ticks
  }

  static func superscript(_ number: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return String("\(number)".map { $0.wholeNumberValue.map { digits[$0] } ?? "⁻" })
  }
}
