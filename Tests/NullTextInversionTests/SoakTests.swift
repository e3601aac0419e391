import DiffusionCore
import Foundation
import Pictures
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Long-running processes") struct SoakTests {
  private static let prompts = [
    "a dog on the mat", "a cat on the floor", "a dog on the floor", "a red cat on the mat",
  ]

  private func inverted(_ name: String, caption: String = "a cat on the mat") async throws -> InvertedImage {
    let editor = try await ImageEditor(model: .directory(Fixtures.url("models/\(name)")))
    var options = InversionOptions(method: .direct)
    options.steps = 3
    return try await editor.invert(image: SmallInversion.picture, caption: caption, options: options)
  }

  @Test("eight tasks with two editors get the images that each gets alone")
  func tasks() async throws {
    let images = [try await inverted("sharded"), try await inverted("four-levels")]
    var alone: [[RGBImage]] = []
    for image in images {
      var pictures: [RGBImage] = []
      for prompt in Self.prompts { pictures.append(try await image.edit(prompt: prompt).image) }
      alone.append(pictures)
    }
    try await withThrowingTaskGroup(of: (Int, Int, RGBImage).self) { group in
      for (editor, image) in images.enumerated() {
        for (number, prompt) in Self.prompts.enumerated() {
          group.addTask { (editor, number, try await image.edit(prompt: prompt).image) }
        }
      }
      for try await (editor, number, picture) in group {
        #expect(picture == alone[editor][number], "editor \(editor), prompt \(number)")
      }
    }
  }

  /// The number of edits set by `make soak`; nil otherwise, because other tests in the process would change its
  /// memory.
  private static let edits = ProcessInfo.processInfo.environment["SOAK_EDITS"].flatMap { Int($0) }

  @Test("thousands of edits take no more memory than the first hundred", .enabled(if: edits != nil))
  func memory() async throws {
    let count = max(200, Self.edits ?? 0)
    let image = try await inverted("four-levels")
    var early = 0
    for number in 0..<count {
      _ = try await image.edit(prompt: Self.prompts[number % Self.prompts.count])
      if number == count / 10 { early = try Self.residentBytes() }
    }
    let late = try Self.residentBytes()
    print("\(count) edits: \(early / 1000) kB resident after a tenth of them, \(late / 1000) kB after all")
    #expect(late < early + 8_000_000)
  }

  /// The resident memory of the process, from Linux.
  private static func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return try #require(fields.dropFirst().first.flatMap { Int($0) }) * 4096
  }
}
