package import Foundation

/// A model of a kind that is recognised but not supported.
package struct ForeignModel: Sendable {
  /// As in "an SDXL checkpoint".
  package let name: String
  /// What its weights amount to, if it is one file.
  package let weights: WeightSummary?
  private let url: URL

  /// The model of a file; nil if it may be a checkpoint of Stable Diffusion 1 or 2.
  init?(_ file: SafetensorsFile) {
    let kind = Self.kinds.first { kind in file.names.contains { $0.contains(kind.key) } }
    guard let kind else { return nil }
    name = kind.name
    url = file.url
    weights = WeightSummary(file.places)
  }

  /// What only one kind of model has in the names of its tensors.
  private static let kinds: [(key: String, name: String)] = [
    ("conditioner.embedders.1.", "an SDXL checkpoint"), ("add_embedding.linear_1.", "an SDXL checkpoint"),
    ("joint_blocks.", "a Stable Diffusion 3 checkpoint"), ("double_blocks.", "a Flux checkpoint"),
    ("control_model.", "a ControlNet"), ("controlnet_cond_embedding.", "a ControlNet"),
    ("emb_params", "a textual inversion"),
  ]

  /// The model of a folder; nil if it may be a checkpoint of Stable Diffusion 1 or 2.
  package init?(folder url: URL) {
    let index = try? JSONFile.decode(PipelineIndex.self, from: url.appendingPathComponent("model_index.json"))
    let isXL = FileManager.default.fileExists(atPath: url.appendingPathComponent("text_encoder_2").path)
    switch index?.pipeline {
    case let pipeline? where pipeline.contains("StableDiffusionXL"): name = "an SDXL model"
    case let pipeline? where pipeline.contains("StableDiffusion3"): name = "a Stable Diffusion 3 model"
    case let pipeline?
    where !pipeline.contains("StableDiffusion") && !pipeline.contains("LatentConsistency"):
      name = "a model for \(pipeline)"
    case _ where isXL: name = "an SDXL model"
    default: return nil
    }
    self.url = url
    weights = nil
  }

  private struct PipelineIndex: Decodable {
    let pipeline: String?
    private enum CodingKeys: String, CodingKey { case pipeline = "_class_name" }
  }

  /// What is said where it is given as a model to work with.
  package var error: InputError {
    .unsupported(url, "\(name). Only models of the kinds of Stable Diffusion 1 and 2 are supported.")
  }
}
