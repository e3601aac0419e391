internal import Foundation
internal import Tensor

/// All tensors of one network, from one file or several shards, under their diffusers names.
final class WeightStore: Sendable {
  /// The file and position of a tensor.
  struct Place: Sendable {
    let file: SafetensorsFile
    /// The entry with the shape that the network expects and the name in the file.
    let entry: SafetensorsHeader.Entry
  }

  /// The path for messages: the file, or the index of the shards.
  let path: String

  /// The names of all tensors, sorted.
  let names: [String]

  /// The updates added to weights when they are read, by name.
  let updates: [String: [LowRankUpdate]]

  private let places: [String: Place]

  private init(path: String, places: [String: Place], updates: [String: [LowRankUpdate]] = [:]) {
    self.path = path
    self.places = places
    self.updates = updates
    names = places.keys.sorted()
  }

  /// Creates a store of the tensors of one file, under their names in the file.
  convenience init(_ file: SafetensorsFile) {
    let file = file.requiringFinite
    self.init(path: file.url.path, places: file.entries.mapValues { Place(file: file, entry: $0) })
  }

  /// Creates a store of the tensors whose names start with a prefix.
  ///
  /// - Parameters:
  ///   - path: The path for messages.
  ///   - tensors: The tensors as stored.
  ///   - prefix: The prefix of the network; other tensors are ignored.
  ///   - naming: The scheme of the names after the prefix.
  /// - Throws: `InputError(.malformed)` if two tensors have the same diffusers name.
  convenience init(
    path: String, _ tensors: [Place], prefix: String = "", naming: some TensorNaming
  ) throws {
    var places: [String: Place] = [:]
    for stored in tensors where stored.entry.name.hasPrefix(prefix) {
      let name = String(stored.entry.name.dropFirst(prefix.count))
      for view in naming.views(of: name, shape: stored.entry.shape) {
        let place = Place(file: stored.file, entry: stored.entry.viewed(as: view))
        guard let other = places.updateValue(place, forKey: view.name) else { continue }
        let names = [other.entry.name, stored.entry.name].sorted()
        throw InputError(
          .malformed,
          "\(path) contains the tensor \"\(view.name)\" twice, as \"\(names[0])\" and as \"\(names[1])\".")
      }
    }
    self.init(path: path, places: places)
  }

  /// Returns the same weights with updates.
  func updated(_ updates: [String: [LowRankUpdate]]) -> WeightStore {
    WeightStore(path: path, places: places, updates: updates)
  }

  func contains(_ name: String) -> Bool { places[name] != nil }

  /// Returns whether any tensor's name starts with `prefix`.
  func containsName(withPrefix prefix: String) -> Bool {
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      if names[middle] < prefix { low = middle + 1 } else { high = middle }
    }
    return low < names.count && names[low].hasPrefix(prefix)
  }

  /// Returns the file and position of a tensor, or nil if there is none with this name.
  func place(of name: String) -> Place? { places[name] }

  func shape(of name: String) -> [Int]? { places[name]?.entry.shape }

  /// Returns a tensor in single precision, with updates.
  ///
  /// - Throws: `InputError` if it is missing or cannot be read; `CancellationError`, so that reading a model can be
  ///   cancelled between two tensors.
  func tensor(named name: String) throws -> Tensor {
    let place = try existingPlace(of: name)
    let tensor = try place.file.tensor(place.entry)
    guard let updates = updates[name] else { return tensor }
    return try updates.added(to: tensor)
  }

  /// Returns the weight of a layer, with updates.
  ///
  /// - Throws: The errors of `tensor(named:)`.
  func weight(named name: String) throws -> WeightSource {
    let place = try existingPlace(of: name)
    let weight = try place.file.weight(place.entry, savesMemory: byteCount > Self.smallByteCount)
    guard let updates = updates[name] else { return weight }
    return try updates.added(to: weight, name)
  }

  /// The size of the largest network whose layers do not save memory, in bytes.
  private static let smallByteCount = 64 << 20

  private var byteCount: Int { places.values.reduce(0) { $0 + $1.entry.range.count } }

  /// The memory that the weights take, in bytes; an upper bound.
  var memoryByteCount: Int {
    let savesMemory = byteCount > Self.smallByteCount
    return places.reduce(0) { sum, item in
      let entry = item.value.entry
      let count = entry.shape.reduce(1, *)
      let isLayer = entry.shape.count > 1 && !item.key.contains("embeddings.")
      // Layers that do not save memory are widened to single precision, and a gradient copies them.
      guard isLayer, savesMemory else { return sum + count * (isLayer ? 8 : 4) }
      return sum + min(entry.range.count, 4 * count)
    }
  }

  private func existingPlace(of name: String) throws -> Place {
    try Task.checkCancellation()
    guard let place = places[name] else {
      throw InputError(
        .missing,
        "\(path) lacks the tensor \"\(name)\". The checkpoint is incomplete or does not match its "
          + "configuration.")
    }
    return place
  }
}

extension SafetensorsHeader.Entry {
  /// Returns the part of the tensor that a network reads.
  fileprivate func viewed(as view: TensorView) -> Self {
    let count = view.shape.reduce(1, *)
    let all = shape.reduce(1, *)
    guard count != all else { return Self(name: name, type: type, shape: view.shape, range: range) }
    let rowByteCount = range.count / max(shape.first ?? 1, 1)
    let start = range.lowerBound + view.firstRow * rowByteCount
    return Self(
      name: name, type: type, shape: view.shape, range: start..<start + (view.shape.first ?? 0) * rowByteCount
    )
  }
}
