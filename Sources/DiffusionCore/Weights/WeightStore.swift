internal import Foundation
internal import Tensor

/// All tensors of one part of a checkpoint, from one file or from several shards.
final class WeightStore: Sendable {
  /// What messages name: the one file, or the index of the shards.
  let path: String

  /// The names of all tensors, sorted.
  let names: [String]

  let files: [SafetensorsFile]
  /// Where each tensor is, as an index into `files`.
  private let places: [String: Int]

  init(_ file: SafetensorsFile) {
    path = file.url.path
    names = file.names
    files = [file.requiringFinite]
    places = Dictionary(uniqueKeysWithValues: file.names.map { ($0, 0) })
  }

  /// The tensors of a checkpoint that is cut into shards.
  ///
  /// - Parameter index: a `*.safetensors.index.json`, which says which tensor is in which file beside it.
  /// - Throws: `InputError` if a shard is missing or lacks a tensor that it should hold.
  init(index: URL) throws {
    struct Index: Decodable { let weight_map: [String: String] }
    let map = try JSONFile.decode(Index.self, from: index).weight_map
    let folder = index.deletingLastPathComponent()
    var files: [SafetensorsFile] = []
    var numbers: [String: Int] = [:]
    for shard in Set(map.values).sorted() {
      guard !shard.contains("/"), shard != "..", !shard.isEmpty else {
        throw InputError(.malformed, "\(index.path) names a shard outside its folder: \"\(shard)\".")
      }
      numbers[shard] = files.count
      files.append(try SafetensorsFile(contentsOf: folder.appendingPathComponent(shard)).requiringFinite)
    }
    places = map.compactMapValues { numbers[$0] }
    for (name, place) in places where !files[place].contains(name) {
      throw InputError(
        .missing, "\(files[place].url.path) lacks the tensor \"\(name)\", which \(index.path) says it holds.")
    }
    self.files = files
    path = index.path
    names = places.keys.sorted()
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

  func shape(of name: String) -> [Int]? { file(of: name)?.shape(of: name) }

  /// - Throws: `CancellationError`, so that the reading of a model can be cancelled between two tensors.
  func tensor(named name: String) throws -> Tensor { try existingFile(of: name).tensor(named: name) }

  /// The weight of a layer.
  ///
  /// - Throws: as `tensor(named:)`.
  func weight(named name: String) throws -> WeightSource {
    try existingFile(of: name).weight(named: name, savesMemory: byteCount > Self.smallByteCount)
  }

  /// The largest part of a checkpoint whose layers need not save memory.
  private static let smallByteCount = 64 << 20

  private var byteCount: Int { files.reduce(0) { $0 + $1.file.byteCount } }

  /// The memory that the weights take, in bytes: an upper bound.
  var memoryByteCount: Int {
    let savesMemory = byteCount > Self.smallByteCount
    return names.reduce(0) { sum, name in
      guard let entry = file(of: name)?.entries[name] else { return sum }
      let count = entry.shape.reduce(1, *)
      let isLayer = entry.shape.count > 1 && !name.contains("embeddings.")
      // Layers that need not save memory are widened, and a gradient makes a copy of them.
      guard isLayer, savesMemory else { return sum + count * (isLayer ? 8 : 4) }
      return sum + min(entry.range.count, 4 * count)
    }
  }

  private func existingFile(of name: String) throws -> SafetensorsFile {
    try Task.checkCancellation()
    guard let file = file(of: name) else {
      throw InputError(
        .missing,
        "\(path) lacks the tensor \"\(name)\". The checkpoint is incomplete, or not of the kind its "
          + "config.json says.")
    }
    return file
  }

  /// The file that holds a tensor.
  func file(of name: String) -> SafetensorsFile? { places[name].map { files[$0] } }
}
