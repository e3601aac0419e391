internal import Foundation

extension WeightStore {
  /// Opens the weights in a folder, in one file or in shards; full precision is preferred to half precision.
  ///
  /// - Throws: `InputError` if the weights are missing, damaged, or in a format that must be converted first.
  convenience init(folder: URL, naming: some TensorNaming) throws {
    let (path, tensors) = try Self.tensors(in: folder)
    try self.init(path: path, tensors, naming: naming)
  }

  /// Returns the tensors in a folder as stored, and the path that messages name for them.
  ///
  /// - Throws: The errors of `init(folder:naming:)`.
  static func tensors(in folder: URL) throws -> (path: String, tensors: [Place]) {
    let stems = ["diffusion_pytorch_model", "model"]
    let forms: [(suffix: String, isIndex: Bool)] = [
      (".safetensors", false), (".safetensors.index.json", true),
      (".fp16.safetensors", false), (".fp16.safetensors.index.json", true),
      (".safetensors.fp16.index.json", true), (".safetensors.index.fp16.json", true),
    ]
    for form in forms {
      for stem in stems {
        let file = folder.appendingPathComponent(stem + form.suffix)
        guard FileManager.default.fileExists(atPath: file.path) else { continue }
        return (file.path, form.isIndex ? try shards(file) : try SafetensorsFile(contentsOf: file).places)
      }
    }
    throw noWeights(in: folder)
  }

  /// Returns the tensors of a sharded network.
  ///
  /// - Parameter index: A `*.safetensors.index.json`, which lists the file of each tensor.
  /// - Throws: `InputError` if a shard is missing or lacks a tensor that the index lists.
  private static func shards(_ index: URL) throws -> [Place] {
    struct Index: Decodable { let weight_map: [String: String] }
    let map = try JSONFile.decode(Index.self, from: index).weight_map
    var files: [String: SafetensorsFile] = [:]
    for shard in Set(map.values).sorted() {
      guard !shard.contains("/"), shard != "..", !shard.isEmpty else {
        throw InputError(.malformed, "\(index.path) names a shard outside its folder: \"\(shard)\".")
      }
      let file = index.deletingLastPathComponent().appendingPathComponent(shard)
      files[shard] = try SafetensorsFile(contentsOf: file).requiringFinite
    }
    return try map.map { name, shard in
      guard let file = files[shard], let entry = file.entries[name] else {
        throw InputError(
          .missing,
          "\(files[shard]?.url.path ?? shard) lacks the tensor \"\(name)\" that \(index.path) lists for it."
        )
      }
      return Place(file: file, entry: entry)
    }
  }

  private static func noWeights(in folder: URL) -> InputError {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    if let pickled = names.sorted().first(where: { $0.hasSuffix(".bin") || $0.hasSuffix(".bin.index.json") })
    {
      return InputError(
        .unsupported,
        "\(folder.path) has its weights only as \(pickled), a format that can run code when it "
          + "is loaded. Convert the checkpoint with diffusers: "
          + "`StableDiffusionPipeline.from_pretrained(…).save_pretrained(…, safe_serialization=True)`.")
    }
    return InputError(
      .missing,
      "There are no weights in \(folder.path): expected diffusion_pytorch_model.safetensors or "
        + "model.safetensors.")
  }
}

extension SafetensorsFile {
  /// All tensors of the file, with values that must be finite.
  var places: [WeightStore.Place] {
    let file = requiringFinite
    return entries.values.map { WeightStore.Place(file: file, entry: $0) }
  }
}
