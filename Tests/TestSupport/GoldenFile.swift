public import DiffusionCore
internal import Foundation
public import Tensor

/// A checkpoint with the values that diffusers computes for it (`Tools/write_golden.py`).
public struct GoldenFile: Sendable {
  /// The tensors, channels first, as they stand in the file.
  public let file: SafetensorsFile
  /// The checkpoint they were computed with.
  public let checkpoint: Checkpoint

  /// The names of all checkpoints that have such a file: the demo model, and tiny random ones of other architectures.
  public static let names = ["emoji", "four-levels", "linear-v", "plain-first", "sharded"]

  /// The golden file of a checkpoint by its name.
  public init(_ name: String) throws {
    file = try SafetensorsFile(contentsOf: Fixtures.url("golden/\(name).safetensors"))
    let emoji = Fixtures.url("../../Sources/EmojiScenes/Resources").standardized
    checkpoint = try Checkpoint(name == "emoji" ? emoji : Fixtures.url("models/\(name)"))
  }

  /// A tensor as it stands in the file.
  public func tensor(_ name: String) throws -> Tensor { try file.tensor(named: name) }

  /// A latent, a picture or features, brought from channels first to height x width x channels.
  public func image(_ name: String) throws -> Tensor { try tensor(name).channelsLast() }

  /// A single number.
  public func number(_ name: String) throws -> Float { try tensor(name).scalars[0] }

  /// The prefixes `name.0`, `name.1`, … under which there are tensors called `member`.
  public func cases(_ name: String, member: String) -> [String] {
    (0..<100).map { "\(name).\($0)" }.filter { file.contains("\($0).\(member)") }
  }
}
