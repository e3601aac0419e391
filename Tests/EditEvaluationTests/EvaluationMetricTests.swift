import Foundation
import TestSupport
import Testing

@testable import EditEvaluation

@Suite("Metrics of an edit") struct EvaluationMetricTests {
  struct Case: Decodable, CustomTestStringConvertible {
    let name: String
    let runs: [Int]
    let metrics: [String: Double?]
    var testDescription: String { name }

    static let all: [Case] = EvaluationFixtures.read("metrics")
  }

  @Test("the fixtures are complete")
  func cases() {
    #expect(Case.all.count == 4 && EvaluationMaskTests.Case.all.count == 8)
  }

  @Test("metrics inside and outside a region match torchmetrics and NumPy", arguments: Case.all)
  func values(_ example: Case) throws {
    let source = try EvaluationFixtures.picture("source")
    let pictures = EvaluatedPictures(
      source: source, reconstruction: source, edited: try EvaluationFixtures.picture("edit"),
      answer: try EvaluationFixtures.picture("answer"),
      region: try RunLengthMask(runs: example.runs, width: source.width, height: source.height))
    let metrics = pictures.metrics
    #expect(example.metrics.count == 7)
    for (name, expected) in example.metrics {
      let metric = try #require(EvaluationMetric(rawValue: name))
      guard let expected else {
        #expect(metrics[metric] == nil, "\(name)")
        continue
      }
      let value = try #require(metrics[metric], "\(name)")
      #expect(abs(value - expected) <= 1e-6 * max(1, abs(expected)), "\(name): \(value), not \(expected)")
    }
    #expect(metrics[.reconstructionPSNR] == .infinity)
    #expect(abs((metrics[.reconstructionSSIM] ?? 0) - 1) < 1e-12)
  }

  @Test("metrics against the answer are absent without an answer")
  func noAnswer() throws {
    let source = try EvaluationFixtures.picture("source")
    let pictures = EvaluatedPictures(
      source: source, reconstruction: source, edited: source, answer: nil,
      region: try RunLengthMask(runs: [], width: source.width, height: source.height))
    #expect(
      Set(pictures.metrics.keys) == [
        .psnrOutside, .mseOutside, .ssimOutside, .reconstructionPSNR, .reconstructionSSIM,
      ])
  }

  @Test("panels are side by side, with the edit last")
  func panels() throws {
    let (source, edit) = (try EvaluationFixtures.picture("source"), try EvaluationFixtures.picture("edit"))
    let reconstruction = try EvaluationFixtures.picture("answer")
    let pictures = EvaluatedPictures(
      source: source, reconstruction: reconstruction, edited: edit, answer: nil,
      region: try RunLengthMask(runs: [], width: source.width, height: source.height))
    let record = try EvaluationBench(records: ["a": [:]]).benchmark().records[0]
    let panels = pictures.panels(record)
    #expect((panels.width, panels.height) == (4 * source.width, source.height))
    for (index, picture) in [source, reconstruction, edit].enumerated() {
      let place = PixelRect(
        x: (index + 1) * source.width, y: 0, width: source.width, height: source.height)
      #expect(try panels.cropped(to: place) == picture)
    }
  }
}
