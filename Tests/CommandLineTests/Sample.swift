import Foundation
import NullTextInversion
import TestSupport
import Testing

/// A small model, a photo and its inversion, made once by the program itself.
struct Sample {
  static let caption = "a cat on a mat"
  static let model = Fixtures.url("models/plain-first").path
  static let steps = 4

  let scratch: Scratch
  let report: [String: Any]
  let errors: String

  /// The photo is not square, so that there is something to crop.
  init() async throws {
    scratch = try Scratch()
    var photo = RGBImage(width: 40, height: 24)
    for y in 0..<24 {
      for x in 0..<40 { photo[x, y] = SIMD3(UInt8(6 * x), UInt8(10 * y), UInt8((x * y) % 256)) }
    }
    try photo.write(to: scratch("photo.png"))
    let run = try await Program.run(
      [
        "invert", "photo.png", "--caption", Self.caption, "--model", Self.model, "--steps", "\(Self.steps)",
        "--inner-steps", "2", "--json",
      ], in: scratch.url)
    #expect(run.status == 0, "\(run.errors)")
    report = try run.json()
    errors = run.errors
  }

  /// Runs a command on the inversion.
  func run(_ command: String, _ arguments: String...) async throws -> Program.Outcome {
    try await run([command, "photo.nti", "--model", Self.model] + arguments)
  }

  func run(_ arguments: [String]) async throws -> Program.Outcome {
    try await Program.run(arguments, in: scratch.url)
  }

  func picture(_ name: String) throws -> RGBImage { try RGBImage(contentsOf: scratch(name)) }

  /// The recipe that a PNG carries, as JSON.
  func recipe(in name: String) throws -> [String: Any] {
    let text = try #require(RGBImage.pngText(in: try Data(contentsOf: scratch(name)))["nti:recipe"])
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }
}

extension [String: Any] {
  /// A whole number inside, by its keys.
  func integer(_ keys: String...) -> Int? {
    keys.dropLast().reduce(self) { $0?[$1] as? [String: Any] }?[keys[keys.count - 1]] as? Int
  }
}
