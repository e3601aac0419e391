import DiffusionCore
import Foundation
import TestSupport
import Testing

@testable import NullTextInversion

/// An edit by the reference, with the scores of wrong implementations (`Tools/write_golden.py`).
struct GoldenEdit: Decodable, CustomTestStringConvertible, CustomStringConvertible {
  struct Blend: Decodable {
    let words: [[String]]
    let subtract: [[String]]?
    let thresholds: [Double]
    let start: Double
  }

  let name: String?
  let prompt: String
  let controller: String
  let cross: [Double]
  let cross_words: [String: [Double]]
  let `self`: [Double]
  let self_limit: Int
  let emphasis: [String: Float]
  let blend: Blend?
  let wrong: [String: Double]?

  var title: String { name ?? prompt }
  var testDescription: String { title }
  var description: String { title }

  static func all(_ model: String) throws -> [GoldenEdit] {
    try JSONDecoder().decode(
      [GoldenEdit].self, from: Data(contentsOf: Fixtures.url("golden/edits-\(model).json")))
  }

  func options() throws -> EditOptions {
    var options = EditOptions()
    options.promptToPrompt?.controller = try #require(ControllerChoice(rawValue: controller))
    options.promptToPrompt?.crossSteps = try StepWindow(cross[0], cross[1])
    options.promptToPrompt?.crossStepsOfWords = try cross_words.sorted { $0.key < $1.key }.map {
      WordWindow($0.key, try StepWindow($0.value[0], $0.value[1]))
    }
    options.promptToPrompt?.selfSteps = try StepWindow(self.`self`[0], self.`self`[1])
    options.promptToPrompt?.selfGrid = Int(Double(self_limit).squareRoot())
    options.promptToPrompt?.emphasis = emphasis.sorted { $0.key < $1.key }.map { Emphasis($0.key, $0.value) }
    if let blend {
      options.blend = LocalBlend(
        .init(source: blend.words[0], target: blend.words[1]),
        subtracting: .init(source: blend.subtract?[0] ?? [], target: blend.subtract?[1] ?? []),
        threshold: blend.thresholds[0], subtractThreshold: blend.thresholds[1], start: blend.start)
    }
    return options
  }
}
