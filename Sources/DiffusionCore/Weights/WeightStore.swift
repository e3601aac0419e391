internal import Foundation
internal import Tensor

/// All tensors of one network of a checkpoint, from one file or from several shards, under the names of diffusers.
final class WeightStore: Sendable {
  /// Where a tensor is.
  struct Place: Sendable {
    let file: SafetensorsFile
    /// Of the shape that the network knows; its name is the file's.
    let entry: SafetensorsHeader.Entry
  }

  /// What messages name: the one file, or the index of the shards.
  let path: String

  /// The names of all tensors, sorted.
  let names: [String]

  /// What is added to weights when they are read, by their names.
  let updates: [String: [LowRankUpdate]]

  private let places: [String: Place]

  private init(path: String, places: [String: Place], updates: [String: [LowRankUpdate]] = [:]) {
    self.path = path
    self.places = places
    self.updates = updates
    names = places.keys.sorted()
  }

  /// The tensors of one file, under the names that they have there.
  convenience init(_ file: SafetensorsFile) {
    let file = file.requiringFinite
    self.init(path: file.url.path, places: file.entries.mapValues { Place(file: file, entry: $0) })
  }

  /// The tensors of files whose names start with a prefix.
  ///
  /// - Parameters:
  ///   - path: what messages name.
  ///   - tensors: the files' own.
  ///   - prefix: of the network; other tensors are left out.
  ///   - naming: how the files name tensors after the prefix.
  /// - Throws: `InputError(.malformed)` if two tensors have the same name in the layout of diffusers.
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
          "\(path) holds the tensor \"\(view.name)\" twice, as \"\(names[0])\" and as \"\(names[1])\".")
      }
    }
    self.init(path: path, places: places)
  }

  /// The same weights with updates.
  func updated(_ updates: [String: [LowRankUpdate]]) -> WeightStore {
    WeightStore(path: path, places: places, updates: updates)
  }

  func contains(_ name: String) -> Bool { places[name] != nil }

  /// Whether any tensor's name starts with `prefix`.
  func containsName(withPrefix prefix: String) -> Bool {
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      if names[middle] < prefix { low = middle + 1 } else { high = middle }
    }
    return low < names.count && names[low].hasPrefix(prefix)
  }

  /// Where a tensor is; nil if there is none of this name.
  func place(of name: String) -> Place? { places[name] }

  func shape(of name: String) -> [Int]? { places[name]?.entry.shape }

  /// - Throws: `CancellationError`, so that the reading of a model can be cancelled between two tensors.
  func tensor(named name: String) throws -> Tensor {
    let place = try existingPlace(of: name)
    let tensor = try place.file.tensor(place.entry)
    guard let updates = updates[name] else { return tensor }
    return try updates.added(to: tensor)
  }

  /// The weight of a layer.
  ///
  /// - Throws: as `tensor(named:)`.
  func weight(named name: String) throws -> WeightSource {
    let place = try existingPlace(of: name)
    let weight = try place.file.weight(place.entry, savesMemory: byteCount > Self.smallByteCount)
    guard let updates = updates[name] else { return weight }
    return try updates.added(to: weight, name)
  }

  /// The largest network whose layers need not save memory.
  private static let smallByteCount = 64 << 20

  private var byteCount: Int { places.values.reduce(0) { $0 + $1.entry.range.count } }

  /// The memory that the weights take, in bytes: an upper bound.
  var memoryByteCount: Int {
    let savesMemory = byteCount > Self.smallByteCount
    return places.reduce(0) { sum, item in
      let entry = item.value.entry
      let count = entry.shape.reduce(1, *)
      let isLayer = entry.shape.count > 1 && !item.key.contains("embeddings.")
      // Layers that need not save memory are widened, and a gradient makes a copy of them.
      guard isLayer, savesMemory else { return sum + count * (isLayer ? 8 : 4) }
      return sum + min(entry.range.count, 4 * count)
    }
  }

  private func existingPlace(of name: String) throws -> Place {
    try Task.checkCancellation()
    guard let place = places[name] else {
      throw InputError(
        .missing,
        "\(path) lacks the tensor \"\(name)\". The checkpoint is incomplete, or not of the kind its "
          + "configuration says.")
    }
    return place
  }
}

extension SafetensorsHeader.Entry {
  /// The part of the tensor that a network reads.
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
