public import Tensor

/// The tensors of one part of a checkpoint whose names start with a dotted prefix.
///
/// A layer is given the scope of its own weights and asks for them by their short names.
///
///     let block = weights["down_blocks"][0]["resnets"][1]
///     let kernel = try block.tensor("conv1.weight", shape: [320, 320, 3, 3])
public struct WeightScope: Sendable {
  /// The prefix, without a dot at its end; empty for the whole part.
  public let path: String

  let store: WeightStore

  init(_ store: WeightStore, path: String = "") {
    self.store = store
    self.path = path
  }

  /// The tensors of a safetensors file.
  public init(_ file: SafetensorsFile) { self.init(WeightStore(file)) }

  /// The scope of a component, or of a path of components separated by dots.
  public subscript(name: String) -> WeightScope { WeightScope(store, path: fullName(name)) }

  /// The scope of a numbered component.
  public subscript(index: Int) -> WeightScope { self[String(index)] }

  /// Whether there is a tensor of this name, or any tensor below it.
  public func contains(_ name: String) -> Bool {
    let name = fullName(name)
    return store.contains(name) || store.containsName(withPrefix: name + ".")
  }

  /// The length of each axis of a tensor; nil if there is none of this name.
  public func shape(of name: String) -> [Int]? { store.shape(of: fullName(name)) }

  /// A tensor in single precision.
  ///
  /// - Throws: `InputError` if it is missing or of a scalar type that cannot be read.
  public func tensor(_ name: String) throws -> Tensor { try store.tensor(named: fullName(name)) }

  /// A tensor in single precision that must have the given shape.
  ///
  /// - Throws: `InputError` if it is missing, of another shape, or of a scalar type that cannot be read.
  public func tensor(_ name: String, shape: [Int]) throws -> Tensor {
    try check(name, hasShape: shape)
    return try tensor(name)
  }

  /// The tensor called `weight`, to be packed by a layer; it must have the given shape.
  ///
  /// - Throws: as `tensor(_:shape:)`; reading it later may throw too.
  func weight(shape: [Int]) throws -> WeightSource {
    try check("weight", hasShape: shape)
    return try store.weight(named: fullName("weight"))
  }

  private func check(_ name: String, hasShape shape: [Int]) throws {
    guard let found = self.shape(of: name), found != shape else { return }
    throw InputError(
      .malformed,
      "Tensor \"\(fullName(name))\" of \(store.path) is \(found), but \(shape) was expected. The "
        + "weights do not belong to the config.json beside them.")
  }

  private func fullName(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
