import Foundation
import TestSupport

/// The results of PyTorch in Tests/Fixtures/golden/primitives.json.
struct Primitives: Decodable, Sendable {
  struct RandomSequence: Decodable, Sendable {
    struct Call: Decodable, Sendable {
      let count: Int
      let places: [Int]
      let numbers: [Float]
    }

    let seed: UInt64
    let calls: [Call]
  }

  struct AdamRun: Decodable, Sendable {
    struct Step: Decodable, Sendable {
      let learningRate: Double
      let gradient: [Float]
      let parameters: [Float]
    }

    let beta1: Double
    let beta2: Double
    let epsilon: Double
    let start: [Float]
    let steps: [Step]
  }

  struct Nearest: Decodable, Sendable {
    let count: Int
    let newCount: Int
    let source: [Int]
  }

  let random: [RandomSequence]
  let adam: [AdamRun]
  let nearest: [Nearest]

  static let golden: Primitives = {
    do {
      return try JSONDecoder().decode(
        Primitives.self, from: Data(contentsOf: Fixtures.url("golden/primitives.json")))
    } catch {
      preconditionFailure("cannot read primitives.json: \(error)")
    }
  }()
}
