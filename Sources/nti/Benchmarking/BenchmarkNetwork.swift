internal import DiffusionCore
internal import Foundation
internal import NullTextInversion
internal import Tensor

/// A model with random inputs of one size, and the results of its networks.
struct BenchmarkNetwork {
  let model: DiffusionModel
  private let unet: UNet
  private(set) var results: BenchmarkResults

  /// The latent: height x width x channels.
  let latent: Tensor
  /// The UNet's input: the latent and, for an inpainting model, random extra channels.
  private let input: Tensor
  private let picture: Tensor
  private let embedding: Tensor
  private let context: TextContext
  private static let timestep = 481

  init(_ model: DiffusionModel, latent size: PixelSize) throws {
    self.model = model
    unet = try model.unet
    var random = RandomSource(seed: 0)
    let autoencoder = model.configuration.autoencoder
    let (factor, channels) = (autoencoder.downsamplingFactor, autoencoder.latentChannels)
    latent = random.normal(shape: [size.height, size.width, channels])
    let extraChannels = model.configuration.unet.inChannels - channels
    input =
      extraChannels == 0
      ? latent
      : Variable(latent).concatenated(
        with: Variable(random.normal(shape: [size.height, size.width, extraChannels]))
      ).value
    picture =
      0.5
      * random.normal(
        shape: [factor * size.height, factor * size.width, 3])
    // Random values with the scale of a text encoder's output, and with the same bits on every processor.
    embedding = random.normal(shape: model.configuration.textEncoder.embeddingShape)
    context = unet.context(embedding)
    results = BenchmarkResults(timestep: Self.timestep)
    results.add("latent", latent.channelsFirst())
    if extraChannels > 0 { results.add("input", input.channelsFirst()) }
    results.add("picture", picture.channelsFirst())
    results.add("embedding", embedding)
  }

  /// The size of the picture in pixels.
  var pictureSize: PixelSize { PixelSize(width: picture.shape[1], height: picture.shape[0]) }

  /// Returns the part of an evaluation that does not depend on the text.
  func stem() -> Stem { unet.stem(input, timestep: Self.timestep) }

  /// Runs one part and adds its result.
  ///
  /// - Parameters:
  ///   - part: The part to run; `load` does nothing.
  ///   - stem: The stem from which an evaluation continues; nil for the autoencoder.
  mutating func run(_ part: BenchmarkPart, after stem: Stem?) throws {
    switch part {
    case .load: break
    case .unet: if let stem { trunk(stem) }
    case .gradient: if let stem { gradient(stem) }
    case .encode: try encode()
    case .decode: try decode()
    }
  }

  /// Runs the rest of an evaluation after its stem.
  private mutating func trunk(_ stem: Stem) {
    results.add("unet", unet.trunk(stem, context: context).value.channelsFirst())
  }

  /// Runs the rest of an evaluation after its stem, and computes the gradient of the mean squared error between prediction
  /// and latent.
  private mutating func gradient(_ stem: Stem) {
    let (_, gradient) = valueAndGradient(at: embedding) { embedding in
      unet.trunk(stem, context: unet.context(embedding)).meanSquaredError(to: latent)
    }
    results.add("gradient", gradient)
  }

  private mutating func encode() throws {
    results.add("encoded", try model.autoencoder.encode(picture).channelsFirst())
  }

  private mutating func decode() throws {
    results.add(
      "decoded",
      try model.autoencoder.decode(latent, bandByteCount: model.options.decodingBandByteCount)
        .channelsFirst())
  }
}

/// The inputs and results of a benchmark in a safetensors file, for comparison with other implementations.
struct BenchmarkResults {
  private var writer = SafetensorsWriter()

  init(timestep: Int) { writer.metadata["timestep"] = "\(timestep)" }

  mutating func add(_ name: String, _ tensor: Tensor) { writer.add(name, tensor) }

  func write(to url: URL) throws { try writer.write(to: url) }
}
