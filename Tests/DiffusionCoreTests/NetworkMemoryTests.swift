import DiffusionCore
import EmojiScenes
import Tensor
import TestSupport
import Testing

/// Compares the estimates with the measured memory of tensors while the networks run.
@Suite("Memory estimates") struct NetworkMemoryTests {
  /// Names of checkpoints (nil for the demo model), and sizes of latents.
  private static let cases: [(String?, (Int, Int))] = [
    (nil, (16, 16)), (nil, (24, 40)), ("sharded", (32, 32)), ("four-levels", (64, 48)),
  ]

  private func checkpoint(_ name: String?) throws -> Checkpoint {
    try Checkpoint(name.map { Fixtures.url("models/\($0)") } ?? EmojiScenes.folder())
  }

  /// Expects that the measured peak is at most the estimate, and at least half of it.
  private func expect(_ estimate: Int, of name: String, _ body: () throws -> Void) rethrows {
    let peak = try TensorMemory.measuringPeak(body).peak
    #expect(peak <= estimate, "\(name) needs \(peak) bytes")
    #expect(Double(estimate) <= 2 * Double(peak), "\(name) needs only \(peak) bytes")
  }

  @Test("bound the memory of an evaluation and its gradient", arguments: cases)
  func unet(model: String?, size: (height: Int, width: Int)) throws {
    let checkpoint = try checkpoint(model)
    let configuration = try ModelConfiguration(checkpoint)
    var random = RandomSource(seed: 1)
    let latent = random.normal(shape: [size.height, size.width, configuration.unet.inChannels])
    let embedding = random.normal(shape: configuration.textEncoder.embeddingShape)
    for recomputes in [false, true] {
      let unet = try UNet(
        configuration.unet, weights: checkpoint.weights(of: .unet), recomputesActivations: recomputes)
      let context = unet.context(embedding)
      expect(
        configuration.unet.evaluationBytes(height: size.height, width: size.width), of: "an evaluation"
      ) {
        _ = unet(latent, timestep: 1, context: context)
      }
      expect(
        configuration.unet.gradientBytes(height: size.height, width: size.width, recomputes: recomputes),
        of: recomputes ? "a recomputed gradient" : "a gradient"
      ) {
        let stem = unet.stem(latent, timestep: 1)
        _ = valueAndGradient(at: embedding) {
          unet.trunk(stem, context: unet.context($0)).meanSquaredError(to: latent)
        }
      }
    }
  }

  @Test("bound the memory of the autoencoder", arguments: cases)
  func autoencoder(model: String?, size: (height: Int, width: Int)) throws {
    let checkpoint = try checkpoint(model)
    let configuration = try ModelConfiguration(checkpoint).autoencoder
    let autoencoder = try configuration.network(checkpoint.weights(of: .vae))
    let factor = configuration.downsamplingFactor
    let (height, width) = (factor * size.height, factor * size.width)
    var random = RandomSource(seed: 2)
    let picture = random.normal(shape: [height, width, 3])
    let latent = random.normal(shape: [size.height, size.width, configuration.latentChannels])
    try expect(configuration.encodingBytes(height: height, width: width), of: "encoding") {
      _ = try autoencoder.encode(picture)
    }
    for bandByteCount in [nil, 16_000] {
      try expect(
        configuration.decodingBytes(height: height, width: width, bandByteCount: bandByteCount),
        of: bandByteCount == nil ? "decoding" : "decoding in bands"
      ) {
        _ = try autoencoder.decode(latent, bandByteCount: bandByteCount)
      }
    }
  }

  @Test("are smaller with options that save memory")
  func order() throws {
    let memory = try ModelMemory(Checkpoint(EmojiScenes.folder()), largestGrid: 16)
    let whole = memory.peak(with: ModelOptions(), differentiates: true)
    let parts = memory.peak(with: ModelOptions(keptParts: []), differentiates: true)
    #expect(parts < whole && parts >= memory.weights.values.max() ?? 0)
    #expect(memory.recomputedGradient < memory.gradient)
    #expect(memory.peak(with: ModelOptions(), differentiates: false) <= whole)
  }
}
