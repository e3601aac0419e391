public import Tensor

/// The tensors of one part of a checkpoint whose names start with a dotted prefix.
///
/// A layer gets the scope of its own weights and reads them by their short names.
///
/// ```swift
/// let block = weights["down_blocks"][0]["resnets"][1]
/// let kernel = try block.tensor("conv1.weight", shape: [320, 320, 3, 3])
/// ```
public struct WeightScope: Sendable {
  /// The prefix without a trailing dot; empty for the whole part.
  public let path: String

  let store: WeightStore

  init(_ store: WeightStore, path: String = "") {
    self.store = store
    self.path = path
  }

  /// Creates a scope with the tensors of a safetensors file.
  public init(_ file: SafetensorsFile) { self.init(WeightStore(file)) }

  /// The scope of a component, or of a path of components separated by dots.
  public subscript(name: String) -> WeightScope { WeightScope(store, path: fullName(name)) }

  /// The scope of a numbered component.
  public subscript(index: Int) -> WeightScope { self[String(index)] }

  /// Returns whether there is a tensor with this name, or any tensor below it.
  public func contains(_ name: String) -> Bool {
    let name = fullName(name)
    return store.contains(name) || store.containsName(withPrefix: name + ".")
  }

  /// Returns the shape of a tensor, or nil if there is none with this name.
  public func shape(of name: String) -> [Int]? { store.shape(of: fullName(name)) }

  /// Returns a tensor in single precision.
  ///
  /// - Throws: `InputError` if it is missing or its scalar type is not supported; `CancellationError` if the task is
  ///   cancelled.
  public func tensor(_ name: String) throws -> Tensor { try store.tensor(named: fullName(name)) }

  /// Returns a tensor in single precision that must have the given shape.
  ///
  /// - Throws: `InputError` if it is missing, has another shape, or its scalar type is not supported;
  ///   `CancellationError` if the task is cancelled.
  public func tensor(_ name: String, shape: [Int]) throws -> Tensor {
    try check(name, hasShape: shape)
    return try tensor(name)
  }

  /// Returns the tensor `weight` for a layer to pack; it must have the given shape.
  ///
  /// - Throws: The errors of `tensor(_:shape:)`; reading it later may throw too.
  func weight(shape: [Int]) throws -> WeightSource {
    try check("weight", hasShape: shape)
    return try store.weight(named: fullName("weight"))
  }

  private func check(_ name: String, hasShape shape: [Int]) throws {
    guard let found = self.shape(of: name), found != shape else { return }
    throw InputError(
      .malformed,
      "Tensor \"\(fullName(name))\" of \(store.path) has the shape \(found), but \(shape) was expected. The "
        + "weights do not match their config.json.")
  }

  private func fullName(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
