import Foundation
import Tensor
import TestSupport

@testable import DiffusionCore

/// A checkpoint with random numbers as a single file, and its tensors in the diffusers layout
/// (`Tools/single_files.py`).
struct OriginalCheckpoint {
  /// The names of all structures.
  static let structures = ["sd1", "sd2", "inpainting", "bk-sdm-tiny", "sdxs"]

  /// A tensor of diffusers as rows of a stored tensor.
  private struct View: Decodable {
    let part: String
    let name: String
    let shape: [Int]
    let firstRow: Int

    init(from decoder: any Decoder) throws {
      var values = try decoder.unkeyedContainer()
      part = try values.decode(String.self)
      name = try values.decode(String.self)
      shape = try values.decode([Int].self)
      firstRow = try values.decode(Int.self)
    }
  }

  private struct Stored: Decodable {
    let shape: [Int]
    let views: [View]

    init(from decoder: any Decoder) throws {
      var values = try decoder.unkeyedContainer()
      shape = try values.decode([Int].self)
      views = try values.decode([View].self)
    }
  }

  /// The tensors as stored in the file.
  private(set) var stored: [String: Tensor] = [:]

  /// The tensors of the three networks in the diffusers layout, by folder.
  private(set) var networks: [String: [String: Tensor]] = [:]

  init(_ structure: String) throws {
    let table = try JSONDecoder().decode(
      [String: Stored].self, from: Data(contentsOf: Fixtures.url("single-files/\(structure).json")))
    var random = SplitMix(seed: 1)
    for (name, entry) in table.sorted(by: { $0.key < $1.key }) {
      let count = entry.shape.reduce(1, *)
      let scalars = (0..<count).map { _ in Float(Int16(truncatingIfNeeded: random.next())) / 32768 }
      stored[name] = Tensor(scalars, shape: entry.shape)
      for view in entry.views {
        let start = view.firstRow * (count / entry.shape[0])
        networks[view.part, default: [:]][view.name] = Tensor(
          Array(scalars[start..<start + view.shape.reduce(1, *)]), shape: view.shape)
      }
    }
  }

  /// Writes the single file.
  func writeFile(
    _ url: URL, metadata: [String: String] = [:], renaming: (String) -> String? = { $0 }
  ) throws {
    var writer = SafetensorsWriter()
    writer.metadata = metadata
    for (name, tensor) in stored { if let name = renaming(name) { writer.add(name, tensor) } }
    try writer.write(to: url)
  }

  /// Writes the weights of the networks in the diffusers layout, without configurations.
  func writeFolders(_ url: URL) throws {
    for (part, tensors) in networks {
      let folder = url.appending(path: part)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      var writer = SafetensorsWriter()
      for (name, tensor) in tensors { writer.add(name, tensor) }
      let stem = part == "text_encoder" ? "model" : "diffusion_pytorch_model"
      try writer.write(to: folder.appending(path: "\(stem).safetensors"))
    }
  }
}
