import Foundation
import NullTextInversion
import Testing

@Suite("nti generate") struct GenerateTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// Returns the picture that the program generates with some options.
  private func picture(_ options: String...) async throws -> RGBImage {
    let run = try await Program.run(
      ["generate", "--prompt", "a cat on a mat", "--model", Sample.model, "--seed", "3", "-o", "made.png"]
        + options, in: scratch)
    #expect(run.status == 0, "\(run.errors)")
    return try RGBImage(contentsOf: scratch("made.png"))
  }

  @Test("samplers make different pictures, and each makes the same one again")
  func samplers() async throws {
    let few = try await picture("--steps", "10")
    #expect(few.width == 16 && few.height == 16)
    #expect(try await picture("--steps", "10", "--sampler", "ddim") == few)
    let solved = try await picture("--sampler", "dpm-solver", "--steps", "10")
    #expect(solved != few)
    #expect(try await picture("--sampler", "dpm-solver", "--steps", "10") == solved)

    let unguided = try await picture("--steps", "4", "--guidance", "1")
    let consistent = try await picture("--sampler", "lcm", "--steps", "4", "--guidance", "1")
    #expect(consistent != unguided)
    #expect(try await picture("--sampler", "lcm", "--steps", "4", "--guidance", "1") == consistent)
    // The noise between the steps depends on the seed too.
    #expect(
      try await picture("--sampler", "lcm", "--steps", "4", "--guidance", "1", "--seed", "4") != consistent)
  }

  @Test("the memory that an error message gives as required is sufficient")
  func memory() async throws {
    let little = try await Program.run(
      ["generate", "--prompt", "a cat on a mat", "--model", Sample.model, "--memory", "1MB"], in: scratch)
    #expect(little.status == 64)
    let needed = try #require(little.errors.split(separator: " ").compactMap { Double($0) }.last)
    let (plain, saving) = (
      try await picture("--steps", "4"), try await picture("--steps", "4", "--memory", "\(needed)GB")
    )
    for (a, b) in zip(plain.bytes, saving.bytes) { #expect(abs(Int(a) - Int(b)) <= 1) }
  }

  @Test("a negative prompt changes the picture, unless there is no guidance")
  func negativePrompt() async throws {
    let plain = try await picture("--steps", "4")
    #expect(try await picture("--steps", "4", "--negative-prompt", "") == plain)
    #expect(try await picture("--steps", "4", "--negative-prompt", "a dog") != plain)
    let unguided = try await picture("--steps", "4", "--guidance", "1")
    #expect(
      try await picture("--steps", "4", "--guidance", "1", "--negative-prompt", "a dog") == unguided)
  }

  @Test("a negative prompt that is too long is rejected")
  func longNegativePrompt() async throws {
    let long = Array(repeating: "cat", count: 80).joined(separator: " ")
    let run = try await Program.run(
      ["generate", "--prompt", "a cat", "--negative-prompt", long, "--model", Sample.model], in: scratch)
    #expect(run.status == 65 && run.errors.contains("negative prompt"))
    #expect(try scratch.names.isEmpty)
  }
}
