internal import NullTextInversion

extension BenchmarkReport {
  /// The report as printed text.
  var text: String {
    let facts =
      "\(model), \(size) pixels, \(threads == 1 ? "1 thread" : "\(threads) threads"), \(level.rawValue)"
    return ([facts, speed] + profileTexts + [divisionText, estimateText].compactMap(\.self)).joined(
      separator: "\n\n")
  }

  private var speed: String {
    var table = AlignedTable([["", "median", "best", "GFLOP/s", "of sgemm"]])
    for part in BenchmarkPart.allCases {
      guard let seconds = times[part], let median = seconds.median, let best = seconds.min() else { continue }
      var row = [part.rawValue, Self.seconds(median), Self.seconds(best)]
      if let operations = operations[part], operations > 0 { row += rate(operations, in: median) }
      table.add(row)
    }
    return """
      \(table.text)
      sgemm: \(Format.decimal(sgemmGFLOPs, places: 0)) GFLOP/s, peak memory: \(Format.bytes(peakBytes))
      """
  }

  private var estimateText: String? {
    guard let estimates, !estimates.isEmpty else { return nil }
    let steps = Set(estimates.map(\.steps)).sorted()
    var table = AlignedTable([["at most"] + steps.map { "\($0) steps" }])
    for estimate in estimates where estimate.steps == steps[0] {
      let all = estimates.filter { $0.work == estimate.work }.sorted { $0.steps < $1.steps }
      table.add([estimate.work] + all.map { Format.duration($0.seconds) })
    }
    return table.text
  }

  private var divisionText: String? {
    guard let divisions, let threads = divisions.values.first?.threads else { return nil }
    var table = AlignedTable([["counted speedup, share of ideal"] + threads.map { "\($0) threads" }])
    for part in BenchmarkPart.allCases {
      guard let division = divisions[part] else { continue }
      table.add([part.rawValue] + division.shareOfIdeal.map(Self.percent))
    }
    return table.text
  }

  private var profileTexts: [String] {
    BenchmarkPart.allCases.compactMap { part in
      guard let lines = profile?[part], let seconds = times[part] else { return nil }
      let total = seconds.reduce(0, +) / Double(seconds.count)
      var table = AlignedTable([
        [
          "profile of \(part.rawValue)", "", "size", "calls", "seconds", "share", "GB", "GFLOP/s", "of sgemm",
        ]
      ])
      for line in lines {
        let row = [
          line.kind, line.isBackward ? "backward" : "forward",
          line.grid.map { "\($0[0])x\($0[1])" } ?? "\(line.rows)",
          Format.decimal(line.calls, places: 0), Self.seconds(line.seconds),
          Self.percent(line.seconds / total), Format.decimal(Double(line.bytes) / 1e9, places: 3),
        ]
        table.add(row + (line.operations > 0 ? rate(line.operations, in: line.seconds) : []))
      }
      let rest = total - lines.reduce(0) { $0 + $1.seconds }
      table.add(["everything else", "", "", "", Self.seconds(rest), Self.percent(rest / total)])
      return table.text
    }
  }

  /// Returns the rate in GFLOP/s, and its share of the sgemm rate.
  private func rate(_ operations: Int, in seconds: Double) -> [String] {
    let rate = Double(operations) / 1e9 / max(seconds, .leastNormalMagnitude)
    return [Format.decimal(rate, places: 0), Self.percent(rate / sgemmGFLOPs)]
  }

  private static func seconds(_ seconds: Double) -> String { "\(Format.decimal(seconds, places: 3)) s" }

  private static func percent(_ share: Double) -> String { "\(Format.decimal(100 * share, places: 1)) %" }
}
