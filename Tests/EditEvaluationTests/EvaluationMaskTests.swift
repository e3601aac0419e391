import Foundation
import TestSupport
import Testing

@testable import EditEvaluation

@Suite("Run-length mask") struct EvaluationMaskTests {
  struct Case: Decodable, CustomTestStringConvertible {
    let name: String
    let runs: [Int]
    let width: Int
    let height: Int
    let mask: [String]
    let framed: [String]
    var testDescription: String { name }

    static let all: [Case] = EvaluationFixtures.read("masks")
  }

  private func rows(_ mask: RunLengthMask) -> [String] {
    (0..<mask.height).map { y in
      String((0..<mask.width).map { mask.pixels[y * mask.width + $0] ? "#" : "." })
    }
  }

  @Test("runs decode to the same raster as with NumPy", arguments: Case.all)
  func decoding(_ example: Case) throws {
    let mask = try RunLengthMask(runs: example.runs, width: example.width, height: example.height)
    #expect(rows(mask) == example.mask)
    #expect(rows(mask.framed()) == example.framed)
    #expect(mask.pixelCount == example.mask.joined().count { $0 == "#" })
    #expect(rows(mask.inverted()) == example.mask.map { String($0.map { $0 == "#" ? "." : "#" }) })
  }

  @Test("invalid lists of runs are rejected", arguments: [[1], [1, 2, 3], [-1, 2], [1, -2]])
  func refused(_ runs: [Int]) {
    #expect(throws: InputError.self) { try RunLengthMask(runs: runs, width: 4, height: 4) }
  }

  @Test("runs with the largest integer end at the last pixel")
  func largest() throws {
    let mask = try RunLengthMask(runs: [1, Int.max, Int.max, Int.max], width: 2, height: 2)
    #expect(mask.pixels == [false, true, true, true])
  }

  @Test("a mask is cropped, and resized by majority")
  func preparing() throws {
    // Columns 2, 3 and 4 of six, in all four rows, counted from 0.
    let mask = try RunLengthMask(runs: [2, 3, 8, 3, 14, 3, 20, 3], width: 6, height: 4)
    let same = mask.prepared(crop: PixelRect(x: 0, y: 0, width: 6, height: 4), width: 6, height: 4)
    #expect(same == mask)
    let cropped = mask.prepared(crop: PixelRect(x: 1, y: 0, width: 4, height: 4), width: 4, height: 4)
    #expect(rows(cropped) == [String](repeating: ".###", count: 4))
    let halved = mask.prepared(crop: PixelRect(x: 0, y: 0, width: 6, height: 4), width: 3, height: 2)
    #expect(rows(halved) == [".##", ".##"])
    let doubled = halved.prepared(crop: PixelRect(x: 0, y: 0, width: 3, height: 2), width: 6, height: 4)
    #expect(rows(doubled) == [String](repeating: "..####", count: 4))
  }
}

enum EvaluationFixtures {
  static func read<Value: Decodable>(_ name: String) -> [Value] {
    (try? JSONDecoder().decode([Value].self, from: Data(contentsOf: Fixtures.url("evaluation/\(name).json"))))
      ?? []
  }

  static func picture(_ name: String) throws -> RGBImage {
    try RGBImage(contentsOf: Fixtures.url("evaluation/\(name).png"))
  }
}
