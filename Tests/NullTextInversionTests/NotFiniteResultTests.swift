import DiffusionCore
import Foundation
import Pictures
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

/// Finite weights and settings that overflow in single precision.
@Suite("Non-finite results") struct NotFiniteResultTests {
  private static let unet = "unet/diffusion_pytorch_model.safetensors"
  private static let vae = "vae/diffusion_pytorch_model.safetensors"
  private static let text = "text_encoder/model.safetensors"

  /// Weights to set to 3e38, and the start of the expected message.
  static let overflows: [(path: String, tensors: [String], what: String)] = [
    (unet, ["conv_out.weight"], "The UNet's prediction at timestep"),
    (vae, ["encoder.conv_out.weight"], "The autoencoder's latent of the picture"),
    (vae, ["decoder.conv_out.weight"], "The autoencoder's picture of the latent"),
    (
      text, ["text_model.final_layer_norm.weight", "text_model.final_layer_norm.bias"],
      "The text encoder's embedding of \"a cat\""
    ),
  ]

  private func editor(_ overflow: (path: String, tensors: [String], what: String)) async throws -> (
    ImageEditor, CheckpointCopy
  ) {
    let copy = try CheckpointCopy(of: "four-levels")
    for tensor in overflow.tensors { try copy.set(3e38, of: tensor, in: overflow.path) }
    return (try await ImageEditor(model: .directory(copy.url)), copy)
  }

  @Test(
    "an inversion with non-finite results ends with an error and leaves no unreadable files",
    arguments: overflows)
  func inversion(_ overflow: (path: String, tensors: [String], what: String)) async throws {
    let (editor, copy) = try await editor(overflow)
    for method in InversionMethod.Name.allCases.map(InversionMethod.init) {
      let folder = try ScratchFolder()
      var options = InversionOptions(method: method)
      options.steps = 3
      let files = InversionFiles(result: folder("a.nti"))
      let error = await #expect(throws: InputError.self) {
        try await editor.invert(
          image: SmallInversion.picture, caption: "a cat", options: options, files: files)
      }
      #expect(error?.kind == .malformed)
      #expect(error?.message.hasPrefix(overflow.what) == true, "\(method.name): \(error?.message ?? "")")
      #expect(!FileManager.default.fileExists(atPath: folder("a.nti").path))
      if let partial = files.partial, FileManager.default.fileExists(atPath: partial.path) {
        _ = try InversionReader(partial).unfinished()
      }
    }
    withExtendedLifetime(copy) {}
  }

  @Test(
    "a generation with non-finite results ends with an error",
    arguments: overflows.filter { !$0.tensors[0].hasPrefix("encoder") } + [
      (unet, ["conv_out.bias"], "The latent after step 1 of 3")
    ])
  func generation(_ overflow: (path: String, tensors: [String], what: String)) async throws {
    let (editor, copy) = try await editor(overflow)
    for sampler in SamplerName.allCases {
      let error = await #expect(throws: InputError.self) {
        try await editor.generate(prompt: "a cat", options: GenerationOptions(steps: 3, sampler: sampler))
      }
      #expect(error?.message.hasPrefix(overflow.what) == true, "\(error?.message ?? "")")
    }
    withExtendedLifetime(copy) {}
  }

  @Test("an autoencoder that overflows is found before any step")
  func autoencoderFirst() async throws {
    let (editor, copy) = try await editor(Self.overflows[2])
    await #expect(throws: InputError.self) {
      try await editor.invert(image: SmallInversion.picture, caption: "a cat")
    }
    #expect(editor.model.counter.total == EvaluationCount())
    withExtendedLifetime(copy) {}
  }

  @Test(
    "extreme settings give an image or an error, never non-finite values", arguments: [1e30, -1e30, 3e38])
  func settings(weight: Float) async throws {
    let inverted = try await small()
    let emphasis = PromptToPrompt(controller: .refine, emphasis: [Emphasis("dog", weight)])
    do {
      _ = try await inverted.edit(
        prompt: "a dog on the mat", options: EditOptions(control: .promptToPrompt(emphasis)))
    } catch let error as InputError {
      #expect(error.message.contains("not finite"))
    }
  }

  @Test("a guidance scale out of range is rejected", arguments: [1e30, .infinity, .nan, -1])
  func guidance(_ guidance: Double) async throws {
    let inverted = try await small()
    var options = EditOptions()
    options.guidance = guidance
    await #expect(throws: InputError.self) {
      try await inverted.edit(prompt: "a dog on the mat", options: options)
    }
    let editor = try await ImageEditor(model: .directory(Fixtures.url("models/sharded")))
    await #expect(throws: InputError.self) {
      try await editor.generate(prompt: "a dog", options: GenerationOptions(guidance: guidance))
    }
  }

  @Test("a policy that produces non-finite values ends the edit in the same step")
  func policy() async throws {
    struct Policy: EditingPolicy, EditingRun {
      func begin(_ scene: EditScene) throws -> any EditingRun { self }
      func latent(_ target: Tensor, source: Tensor, after step: Int) -> Tensor {
        step == 1 ? target * .infinity : target
      }
    }
    let inverted = try await small()
    let error = await #expect(throws: InputError.self) {
      try await inverted.edit(prompt: "a dog on the mat", policy: Policy())
    }
    #expect(error?.message.hasPrefix("The edit's latent after step 2 of 3") == true)
  }

  @Test("an image of a single color is inverted", arguments: [UInt8(0), 127, 255])
  func flat(level: UInt8) async throws {
    let editor = try await ImageEditor(model: .directory(Fixtures.url("models/four-levels")))
    let size = editor.model.pictureSize
    let picture = try RGBImage(
      width: size.width, height: size.height,
      bytes: [UInt8](repeating: level, count: 3 * size.width * size.height))
    var options = InversionOptions(method: .nullText(SmallInversion.nullText))
    options.steps = 2
    let inverted = try await editor.invert(image: picture, caption: "a cat", options: options)
    #expect(inverted.inversion.trajectory.allSatisfy(\.isFinite) && !inverted.inversion.psnr.isNaN)
  }

  @Test("a schedule whose last level has no signal gives an error or an image")
  func noSignal() async throws {
    for prediction in ["epsilon", "v_prediction"] {
      let copy = try CheckpointCopy(of: "four-levels")
      try copy.set(
        [
          "rescale_betas_zero_snr": true, "timestep_spacing": "trailing", "prediction_type": prediction,
          "_class_name": "DDIMScheduler",
        ], in: "scheduler/scheduler_config.json")
      do {
        let editor = try await ImageEditor(model: .directory(copy.url))
        for sampler in SamplerName.allCases {
          do {
            _ = try await editor.generate(
              prompt: "a cat", options: GenerationOptions(steps: 3, sampler: sampler))
          } catch let error as InputError {
            #expect(prediction == "epsilon", "\(sampler) with \(prediction): \(error)")
          }
        }
      } catch let error as InputError {
        #expect(prediction == "epsilon", "\(error)")
      }
    }
  }

  private func small() async throws -> InvertedImage {
    let editor = try await ImageEditor(model: .directory(Fixtures.url("models/sharded")))
    var options = InversionOptions(method: .direct)
    options.steps = 3
    return try await editor.invert(
      image: SmallInversion.picture, caption: "a cat on the mat", options: options)
  }
}
