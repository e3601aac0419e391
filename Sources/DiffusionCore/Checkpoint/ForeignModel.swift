package import Foundation

/// A model of a recognized but unsupported kind.
package struct ForeignModel: Sendable {
  /// The kind with its article, such as "an SDXL checkpoint".
  package let name: String
  /// The totals of its weights, if it is one file.
  package let weights: WeightSummary?
  private let url: URL

  /// Recognizes the model in a file; nil if it may be a Stable Diffusion 1 or 2 checkpoint.
  init?(_ file: SafetensorsFile) {
    let kind = Self.kinds.first { kind in file.names.contains { $0.contains(kind.key) } }
    guard let kind else { return nil }
    name = kind.name
    url = file.url
    weights = WeightSummary(file.places)
  }

  /// Parts of tensor names that occur in only one kind of model.
  private static let kinds: [(key: String, name: String)] = [
    ("conditioner.embedders.1.", "an SDXL checkpoint"), ("add_embedding.linear_1.", "an SDXL checkpoint"),
    ("joint_blocks.", "a Stable Diffusion 3 checkpoint"), ("double_blocks.", "a Flux checkpoint"),
    ("control_model.", "a ControlNet"), ("controlnet_cond_embedding.", "a ControlNet"),
    ("emb_params", "a textual inversion"),
  ]

  /// Recognizes the model in a folder; nil if it may be a Stable Diffusion 1 or 2 checkpoint.
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

  /// The error thrown when this is given as the model to use.
  package var error: InputError {
    .unsupported(url, "\(name). Only Stable Diffusion 1 and 2 models are supported.")
  }
}
