package import Tensor

extension Tensor {
  /// Returns this tensor if all its scalars are finite.
  ///
  /// Networks check their results with it, so that no picture or file is made from NaN or infinity.
  ///
  /// - Parameter what: The name of the result, as the subject of the message.
  /// - Throws: `InputError(.malformed)` that names the result.
  @discardableResult
  package func requireFinite(_ what: @autoclosure () -> String) throws(InputError) -> Tensor {
    guard isFinite else { throw .notFinite(what()) }
    return self
  }
}

extension InputError {
  /// Returns the error for a result with NaN or infinity.
  ///
  /// - Parameter what: The name of the result, as the subject of the message.
  package static func notFinite(_ what: String) -> InputError {
    InputError(
      .malformed,
      "\(what) contains numbers that are not finite (NaN or infinity). The model's weights are damaged or too large for "
        + "single precision, or a setting such as guidance or an emphasis is too large.")
  }
}
