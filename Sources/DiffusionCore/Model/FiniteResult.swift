package import Tensor

extension Tensor {
  /// This tensor, unless a number in it is NaN or infinite.
  ///
  /// Networks check their results with it, so that no picture and no file is made of numbers that mean nothing.
  ///
  /// - Parameter what: names the result in the message, as the subject of a sentence.
  /// - Throws: `InputError(.malformed)` that names the result.
  @discardableResult
  package func requireFinite(_ what: @autoclosure () -> String) throws(InputError) -> Tensor {
    guard isFinite else { throw .notFinite(what()) }
    return self
  }
}

extension InputError {
  /// A result holds NaN or infinity.
  ///
  /// - Parameter what: names the result, as the subject of a sentence.
  package static func notFinite(_ what: String) -> InputError {
    InputError(
      .malformed,
      "\(what) holds numbers that are not finite (NaN or infinity). The model's weights are damaged or too large for "
        + "single precision, or a setting is, such as guidance or an emphasis.")
  }
}
