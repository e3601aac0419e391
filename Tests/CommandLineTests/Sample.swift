import Foundation
import NullTextInversion
import TestSupport
import Testing

/// A photo and its inversion with a small model, made once by the program.
struct Sample {
  static let caption = "a cat on a mat"
  static let model = Fixtures.url("models/plain-first").path
  static let steps = 4

  let scratch: Scratch
  let report: [String: Any]
  let errors: String

  private struct Made: Sendable {
    let files: [String: Data]
    let run: Program.Outcome
  }

  private static let made = Task {
    let scratch = try Scratch()
    // Not square, so that the photo is cropped.
    var photo = RGBImage(width: 40, height: 24)
    for y in 0..<24 {
      for x in 0..<40 { photo[x, y] = SIMD3(UInt8(6 * x), UInt8(10 * y), UInt8((x * y) % 256)) }
    }
    try photo.write(to: scratch("photo.png"))
    let run = try await Program.run(
      [
        "invert", "photo.png", "--caption", caption, "--model", model, "--steps", "\(steps)", "--inner-steps",
        "2", "--size", "square", "-o", "photo.nti", "--json",
      ], in: scratch)
    #expect(run.status == 0, "\(run.errors)")
    let files = try scratch.names.map { ($0, try Data(contentsOf: scratch($0))) }
    return Made(files: Dictionary(uniqueKeysWithValues: files), run: run)
  }

  /// Copies the photo and its inversion to a new folder.
  init() async throws {
    let made = try await Self.made.value
    scratch = try Scratch()
    for (name, data) in made.files { try data.write(to: scratch(name)) }
    report = try made.run.json()
    errors = made.run.errors
  }

  /// Runs a command on the inversion.
  func run(_ command: String, _ arguments: String...) async throws -> Program.Outcome {
    try await run([command, "photo.nti", "--model", Self.model] + arguments)
  }

  func run(_ arguments: [String]) async throws -> Program.Outcome {
    try await Program.run(arguments, in: scratch)
  }

  func picture(_ name: String) throws -> RGBImage { try RGBImage(contentsOf: scratch(name)) }

  /// Returns the recipe in a picture as JSON.
  func recipe(in name: String) throws -> [String: Any] {
    let text = try #require(RGBImage.text(in: try Data(contentsOf: scratch(name)))["nti:recipe"])
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }
}

extension [String: Any] {
  /// Returns a nested integer by its keys.
  func integer(_ keys: String...) -> Int? {
    keys.dropLast().reduce(self) { $0?[$1] as? [String: Any] }?[keys[keys.count - 1]] as? Int
  }
}
