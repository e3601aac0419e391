import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Inpainting models") struct InpaintingTests {
  /// The small model with four levels and additional input channels.
  ///
  /// - Parameter gain: The factor of the random weights of the additional channels.
  private func model(gain: Float, channels: Int = 9) throws -> CheckpointCopy {
    let copy = try CheckpointCopy(of: "four-levels")
    try copy.set(["in_channels": channels], in: "unet/config.json")
    let url = copy.url.appending(path: "unet/diffusion_pytorch_model.safetensors")
    let file = try SafetensorsFile(contentsOf: url)
    var writer = SafetensorsWriter()
    for name in file.names { writer.add(name, try file.tensor(named: name)) }
    let weight = try file.tensor(named: "conv_in.weight")
    var random = RandomSource(seed: 5)
    let more = gain * random.normal(shape: [8, channels - 4, 3, 3])
    let rows = (0..<8).flatMap { weight[$0].scalars + more[$0].scalars }
    writer.add("conv_in.weight", Tensor(rows, shape: [8, channels, 3, 3]))
    try writer.write(to: url)
    return copy
  }

  private var photo: RGBImage { noisePicture(32, 32) }

  /// White in the right half.
  private var mask: EditMask {
    get throws {
      let bytes = (0..<32 * 32).flatMap { pixel in
        Array(repeating: pixel % 32 >= 16 ? UInt8(255) : 0, count: 3)
      }
      return try EditMask(RGBImage(width: 32, height: 32, bytes: bytes))
    }
  }

  private var options: InversionOptions {
    var options = InversionOptions(method: .direct)
    options.steps = 3
    return options
  }

  @Test("with zero weights for the additional channels, results equal those without them")
  func blind() async throws {
    let plain = try await ImageEditor(model: .directory(Fixtures.url("models/four-levels")))
    let copy = try model(gain: 0)
    let blind = try await ImageEditor(model: .directory(copy.url))
    let known = try await plain.invert(image: photo, caption: "a cat", options: options)
    let found = try await blind.invert(image: photo, caption: "a cat", options: options, mask: mask)
    for (a, b) in zip(found.inversion.trajectory, known.inversion.trajectory) {
      expectClose(a, b, relative: 1e-5)
    }
    let (a, b) = try await (found.edit(prompt: "a dog"), known.edit(prompt: "a dog"))
    for (a, b) in zip(a.image.bytes, b.image.bytes) { #expect(abs(Int(a) - Int(b)) <= 1) }
  }

  @Test("the condition is the mask, followed by the latent of the masked image")
  func condition() async throws {
    let copy = try model(gain: 1)
    let editor = try await ImageEditor(model: .directory(copy.url))
    let inverted = try await editor.invert(image: photo, caption: "a cat", options: options, mask: mask)
    let condition = try #require(inverted.inversion.condition)
    #expect(condition.shape == [16, 16, 5])
    var gray = photo.tensor
    gray.withMutableScalars { scalars in
      for i in 0..<scalars.count where i / 3 % 32 >= 16 { scalars[i] = 0 }
    }
    let latent = try editor.model.autoencoder.encode(gray)
    for row in 0..<16 {
      for column in 0..<16 {
        let pixel = condition[row][column].scalars
        #expect(pixel[0] == (column >= 8 ? 1 : 0))
        #expect(Array(pixel.dropFirst()) == latent[row][column].scalars)
      }
    }
  }

  @Test("mask and condition are stored in the file, and another mask gives another inversion")
  func files() async throws {
    let scratch = try ScratchFolder()
    let copy = try model(gain: 1)
    let editor = try await ImageEditor(model: .directory(copy.url))
    let files = InversionFiles(result: scratch("a.nti"))
    let inverted = try await editor.invert(
      image: photo, caption: "a cat", options: options, mask: mask, files: files)
    let read = try Inversion(contentsOf: scratch("a.nti"))
    #expect(read == inverted.inversion && read.maskFingerprint != nil)
    let picture = try await editor.open(read).edit(prompt: "a dog").image
    #expect(try await inverted.edit(prompt: "a dog").image == picture)
    let whole = try EditMask(
      RGBImage(width: 32, height: 32, bytes: Array(repeating: 255, count: 32 * 32 * 3)))
    let other = try await editor.invert(image: photo, caption: "a cat", options: options, mask: whole)
    #expect(other.inversion.pivots.last != read.pivots.last)
    #expect(
      InversionArguments(of: other.inversion).difference(from: InversionArguments(of: read)) == "another mask"
    )
    let generated = try await editor.generate(prompt: "a cat", options: GenerationOptions(steps: 2))
    #expect(generated.width == 32)
  }

  @Test("missing and unsupported masks and pix2pix models are rejected")
  func refusals() async throws {
    let copy = try model(gain: 1)
    let editor = try await ImageEditor(model: .directory(copy.url))
    let missing = await #expect(throws: InputError.self) {
      try await editor.invert(image: photo, caption: "a cat", options: options)
    }
    #expect(missing?.message.contains("--mask") == true)
    let plain = try await ImageEditor(model: .directory(Fixtures.url("models/four-levels")))
    let unread = await #expect(throws: InputError.self) {
      try await plain.invert(image: photo, caption: "a cat", options: options, mask: mask)
    }
    #expect(unread?.message.contains("edit") == true)
    let pix2pix = try model(gain: 1, channels: 8)
    let refused = #expect(throws: InputError.self) {
      try ModelConfiguration(Checkpoint(pix2pix.url))
    }
    #expect(refused?.message.contains("pix2pix") == true)
  }
}
