import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

/// An inversion by PyTorch (`Tools/write_golden.py`) and its model.
struct GoldenInversion {
  static let tiny = ["four-levels", "linear-v", "plain-first", "sharded"]

  /// Inversions by the published recipe of images of the demo model.
  static let long = ["emoji-100000000006", "emoji-200000000031"]

  /// The inversions to compute completely; without compiler optimization, the second one would take the longest of
  /// all tests.
  #if DEBUG
    static let whole = Array(long.prefix(1))
  #else
    static let whole = long
  #endif

  let model: DiffusionModel
  let unet: UNet
  let file: SafetensorsFile
  let options: InversionOptions
  let caption: String

  /// - Parameter name: The name of the model; "emoji-short" for a short inversion with the demo model.
  init(_ name: String) throws {
    let golden = try GoldenFile(name.hasPrefix("emoji") ? "emoji" : name)
    model = try DiffusionModel(.directory(golden.checkpoint.url))
    unet = try model.unet
    let file = try SafetensorsFile(contentsOf: Fixtures.url("golden/inversion-\(name).safetensors"))
    self.file = file
    func number(_ key: String) throws -> Double { try #require(file.metadata[key].flatMap(Double.init)) }
    var options = InversionOptions()
    options.steps = Int(try number("steps"))
    options.nullText?.innerSteps = Int(try number("inner_steps"))
    options.guidance = try number("guidance")
    options.nullText?.earlyStop = try number("early_stop")
    self.options = options
    caption = try #require(file.metadata["caption"])
  }

  var sampler: DDIM { get throws { try DDIM(model.schedule, stepCount: options.steps) } }

  /// Returns the loss of the null embedding in a step.
  func loss(_ index: Int, from latent: Tensor, target: Tensor, guidance: Double? = nil) throws -> NullTextLoss
  {
    let step = GuidedStep(unet, sampler: try sampler, guidance: guidance ?? options.guidance)
    let context = unet.context(try model.embedding(of: caption))
    return try NullTextLoss(step, index, from: latent, caption: context, target: target)
  }

  /// The settings of null-text inversion.
  var settings: NullText { get throws { try #require(options.nullText) } }

  /// The inverted image; the file stores values from -1 to 1.
  var picture: RGBImage {
    get throws {
      let tensor = try file.tensor(named: "picture").channelsLast()
      let bytes = tensor.scalars.map { UInt8(((($0 + 1) * 127.5).rounded())) }
      return try RGBImage(width: tensor.shape[1], height: tensor.shape[0], bytes: bytes)
    }
  }

  func latents(_ name: String) throws -> [Tensor] {
    let stacked = try file.tensor(named: name)
    return (0..<stacked.shape[0]).map { stacked[$0].channelsLast() }
  }

  func rows(_ name: String) throws -> [Tensor] {
    let stacked = try file.tensor(named: name)
    return (0..<stacked.shape[0]).map { stacked[$0] }
  }

  /// Returns the inversion as a value of this library.
  func inversion() throws -> Inversion {
    let latents = try latents("pivots")
    let side = model.configuration.autoencoder.downsamplingFactor
    let size = PixelSize(width: latents[0].shape[1] * side, height: latents[0].shape[0] * side)
    return Inversion(
      caption: caption, options: options, schedule: ScheduleRecord(try sampler),
      modelFingerprint: model.fingerprint,
      sourceSize: size, crop: PixelRect(x: 0, y: 0, width: size.width, height: size.height),
      pictureFingerprint: "",
      pivots: latents, nullEmbeddings: try rows("null_embeddings"),
      trajectory: try self.latents("trajectory"),
      losses: try file.tensor(named: "losses").scalars,
      innerSteps: try file.tensor(named: "inner_steps").scalars.map { Int($0) }, psnr: 0, psnrBound: 0)
  }
}
