import DiffusionCore
import EmojiScenes
import NullTextInversion
import Testing

@Suite("Memory plans") struct MemoryPlanTests {
  /// Approximately Stable Diffusion 1 in half precision at 512 x 512.
  private static let memory = ModelMemory(
    weights: [.textEncoder: 322_000_000, .unet: 1_720_000_000, .vae: 170_000_000], evaluation: 110_000_000,
    gradient: 1_150_000_000, recomputedGradient: 450_000_000, sourceAttention: 250_000_000,
    encoding: 400_000_000, decoding: 540_000_000, bandedDecoding: 370_000_000)

  private func limits(
    _ megabytes: Int, _ methods: [InversionMethod] = [.nullText()], remembersSource: Bool = true
  ) throws -> MemoryLimits {
    try MemoryLimits(
      fitting: megabytes * 1_000_000, Self.memory, inverting: methods, remembersSource: remembersSource)
  }

  @Test("with enough memory, the limits are the fastest")
  func plenty() throws {
    #expect(try limits(8000) == MemoryLimits())
    #expect(try MemoryLimits(fitting: 8_000_000_000, model: .emojiScenes) == MemoryLimits())
  }

  @Test("with less memory, the limits save more, until nothing fits")
  func little() throws {
    var found: [MemoryLimits] = []
    for megabytes in stride(from: 5000, through: 0, by: -10) {
      guard let limits = try? limits(megabytes) else { break }
      found.append(limits)
      let needed = Self.memory.peak(with: limits.model, differentiates: true)
      #expect(needed + limits.freeBuffers + limits.sourceAttention <= megabytes * 1_000_000)
      #expect(limits.freeBuffers > 0 && limits.sourceAttention >= 0)
    }
    let options = found.map(\.model)
    #expect(options.first == ModelOptions())
    #expect(options.last?.recomputesActivations == true && options.last?.keptParts.isEmpty == true)
    for (more, less) in zip(options, options.dropFirst()) {
      #expect(less.keptParts.isSubset(of: more.keptParts))
      #expect(less.recomputesActivations || !more.recomputesActivations)
    }
  }

  @Test("too little memory is rejected with the required amount")
  func refusal() throws {
    let error = #expect(throws: InputError.self) { try limits(1) }
    #expect(error?.kind == .outOfRange)
    let numbers = try #require(error?.message).split(separator: " ").compactMap { Double($0) }
    try #require(numbers.count == 3 && numbers[0] == 1)
    let (gradients, others) = (Int((numbers[1] * 1000).rounded()), Int((numbers[2] * 1000).rounded()))
    #expect(others < gradients)
    #expect(try limits(gradients).model.recomputesActivations)
    #expect(throws: InputError.self) { try limits(gradients - 20) }
    #expect(try limits(others, [.direct, .negativePrompt()]).model.keptParts.isEmpty)
    #expect(throws: InputError.self) { try limits(others - 20, []) }
  }

  @Test("no source is cached without later edits, and nothing is recomputed without gradients")
  func needs() throws {
    #expect(try limits(8000, remembersSource: false).sourceAttention == 0)
    for megabytes in 1000...3000 {
      guard let limits = try? limits(megabytes, [.direct, .ddim]) else { continue }
      #expect(!limits.model.recomputesActivations)
    }
  }
}
