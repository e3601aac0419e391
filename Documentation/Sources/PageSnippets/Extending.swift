import DiffusionCore
import Foundation
import NullTextInversion
import Tensor

/// Keeps the source's self-attention on coarse grids in the first half of the steps.
struct KeepLayout: EditingPolicy {
  func begin(_ scene: EditScene) throws -> any EditingRun { Run(steps: scene.stepCount / 2) }

  struct Run: EditingRun {
    let steps: Int

    func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
      branch == .conditional && !site.isCross && site.nominalHeight <= 16 && step < steps
        ? .readsSource : .untouched
    }

    func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
      -> AttentionChange?
    {
      source.inputs(at: own.site).map { .inputs(query: $0.query, key: $0.key, value: own.value) }
    }
  }
}

/// Sharpens the cross-attention of the up blocks.
struct Sharpened: AttentionControl {
  func attend(
    _ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor
  ) -> Tensor? {
    guard site.isCross, site.place == .up else { return nil }
    return attention(query: 1.5 * query, key: key, value: value)
  }
}

extension Variable {
  /// x² of each number.
  public func squared() -> Variable {
    let x = value
    return .recorded(x * x, from: [self]) { upstream in [2 * x * upstream] }
  }
}

func extend(_ files: Files) async throws {
  let editor = try await ImageEditor(model: .directory(files.modelURL))
  let inverted = try await editor.invert(
    image: RGBImage(contentsOf: files.photoURL), caption: "a cat", options: InversionOptions(method: .direct))

  let edited = try await inverted.edit(prompt: "a tiger", policy: KeepLayout())

  let reconstruction = try await inverted.reconstruction()
  precondition(edited.image != reconstruction)

  let (_, gradient) = valueAndGradient(at: Tensor([3], shape: [1])) {
    $0.squared().meanSquaredError(to: Tensor(zeros: [1]))
  }
  // The derivative of x⁴ at 3.
  precondition(gradient.scalars == [108])

  let model = try DiffusionModel(.directory(files.modelURL))
  let unet = try model.unet
  let context = unet.context(try model.embedding(of: "a cat"))
  let latent = try model.encode(try model.prepare(RGBImage(contentsOf: files.photoURL)).image)
  let plain = unet(latent, timestep: 481, context: context)
  precondition(unet(latent, timestep: 481, context: context, control: Sharpened()) != plain)
}

/// Not run: it needs Stable Diffusion.
func sharpenedPrediction(_ latent: Tensor) throws -> Tensor {
  let model = try DiffusionModel(.huggingFace("CompVis/stable-diffusion-v1-4"))
  let unet = try model.unet
  let context = unet.context(try model.embedding(of: "a cat"))
  let output = unet(latent, timestep: 481, context: context, control: Sharpened())

  return output
}
