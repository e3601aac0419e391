internal import Foundation
internal import Tensor

/// The file of a LoRA, with its tensors grouped by layer.
struct LoRAFile: Sendable {
  /// The tensors of one layer.
  struct Layer: Sendable {
    let part: Checkpoint.Part?
    /// The name of the layer as spelled in the file.
    let name: String
    /// The name of one of its tensors, for messages.
    let key: String
    let down: SafetensorsHeader.Entry
    let up: SafetensorsHeader.Entry
    /// The factor of the product: alpha / rank.
    let scale: Double
  }

  let lora: LoRA
  let file: SafetensorsFile
  let layers: [Layer]
  /// The fingerprint of the tensors.
  let fingerprint: String

  /// Reads the header and the scalars, but not the matrices.
  ///
  /// - Throws: `InputError` if the file is missing, damaged or of an unsupported kind, or if the weight is not
  ///   finite.
  init(_ lora: LoRA) throws { try self.init(lora, SafetensorsFile(contentsOf: lora.url)) }

  /// Creates the LoRA from a file whose header is already read.
  init(_ lora: LoRA, _ file: SafetensorsFile) throws {
    self.lora = lora
    guard lora.weight.isFinite else {
      throw InputError(
        .outOfRange, "The weight of \(lora.url.path) is \(lora.weight), but must be a finite number.")
    }
    let file = file.requiringFinite
    self.file = file
    layers = try Self.layers(of: file)
    var fingerprint = Fingerprint()
    for layer in layers {
      try fingerprint.add(layer.name, WeightStore.Place(file: file, entry: layer.down))
      try fingerprint.add(layer.name, WeightStore.Place(file: file, entry: layer.up))
    }
    self.fingerprint = fingerprint.hexadecimal
  }

  /// Returns whether tensor names belong to a LoRA of any kind, supported or not.
  static func isLoRA(_ names: some Sequence<String>) -> Bool {
    names.contains { name in
      LoRAKey(name).map { $0.role != .alpha } ?? false
        || [".dora_scale", ".hada_w1_a", ".lokr_w1"].contains { name.contains($0) }
    }
  }

  private static func layers(of file: SafetensorsFile) throws -> [Layer] {
    typealias Tensors = [LoRAKey.Role: SafetensorsHeader.Entry]
    var found: [String: (part: Checkpoint.Part?, tensors: Tensors)] = [:]
    var unknown: [String] = []
    for name in file.names {
      guard let key = LoRAKey(name), let entry = file.entries[name] else {
        if let kind = LoRAKey.unsupportedKind(of: name) {
          throw InputError(
            .unsupported,
            "\(file.url.path) is \(kind) (\"\(name)\"), which is not supported. Only plain LoRAs are.")
        }
        unknown.append(name)
        continue
      }
      let layer = "\(key.part?.rawValue ?? "").\(key.layer)"
      guard found[layer, default: (key.part, [:])].tensors.updateValue(entry, forKey: key.role) == nil else {
        throw InputError(
          .malformed,
          "\(file.url.path) has two tensors for the same matrix or alpha of a layer. One is \"\(name)\".")
      }
    }
    guard unknown.isEmpty, !found.isEmpty else {
      throw InputError(
        .unsupported,
        found.isEmpty
          ? "\(file.url.path) is not a LoRA: it has no pairs of small matrices, such as lora_down and lora_up."
          : "\(file.url.path) has tensors that do not belong to a LoRA: \(unknown.listed).")
    }
    let settings = try PEFTSettings(file)
    return try found.sorted { $0.key < $1.key }.map { key, value in
      let name = String(key.drop { $0 != "." }.dropFirst())
      return try layer(name, value.part, value.tensors, file, settings)
    }
  }

  private static func layer(
    _ name: String, _ part: Checkpoint.Part?, _ tensors: [LoRAKey.Role: SafetensorsHeader.Entry],
    _ file: SafetensorsFile, _ settings: PEFTSettings
  ) throws -> Layer {
    guard let down = tensors[.down], let up = tensors[.up] else {
      let known = tensors.values.map(\.name).sorted()[0]
      throw InputError(
        .malformed,
        "\(file.url.path) has only one of the two matrices of a layer: \"\(known)\" has no counterpart.")
    }
    guard down.shape.count >= 2, up.shape.count >= 2, let rank = down.shape.first, rank > 0,
      up.shape[1] == rank, up.shape.dropFirst(2).allSatisfy({ $0 == 1 })
    else {
      throw InputError(
        .malformed,
        "\"\(down.name)\" \(down.shape) and \"\(up.name)\" \(up.shape) of \(file.url.path) are not two matrices with the same "
          + "rank, which must be at least 1.")
    }
    let alpha = try tensors[.alpha].map { try self.alpha($0, file) }
    let scale = alpha.map { $0 / Double(rank) } ?? settings.scale(of: name, part, rank: rank)
    guard scale.isFinite else {
      throw InputError(
        .malformed, "The alpha of \"\(down.name)\" of \(file.url.path) is not a finite number.")
    }
    return Layer(part: part, name: name, key: down.name, down: down, up: up, scale: scale)
  }

  private static func alpha(_ entry: SafetensorsHeader.Entry, _ file: SafetensorsFile) throws -> Double {
    guard entry.shape.reduce(1, *) == 1 else {
      throw InputError(
        .malformed,
        "\"\(entry.name)\" of \(file.url.path) has the shape \(entry.shape), but must be one number.")
    }
    if let integer = try? file.integers(named: entry.name)[0] { return Double(integer) }
    return Double(try file.tensor(entry).scalars[0])
  }
}

extension [String] {
  /// The first three elements and the number of the others, for messages.
  var listed: String {
    prefix(3).map { "\"\($0)\"" }.joined(separator: ", ") + (count > 3 ? " and \(count - 3) more" : "")
  }
}
