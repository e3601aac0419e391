internal import ArgumentParser

/// A choice of the library as a value on the command line: `conjugate-directions` for `conjugateDirections`.
///
/// Parsing ignores case, hyphens and underscores.
extension RawRepresentable where RawValue == String, Self: CaseIterable {
  /// Parses a value.
  ///
  /// - Throws: `ValidationError` that lists the choices.
  init(optionName text: String) throws {
    func plain(_ name: String) -> String { name.lowercased().filter { $0 != "-" && $0 != "_" } }
    guard let choice = Self.allCases.first(where: { plain($0.rawValue) == plain(text) }) else {
      throw ValidationError("choose one of \(Self.optionNames).")
    }
    self = choice
  }

  /// The value on the command line, as in `null-text`.
  var optionName: String {
    rawValue.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
  }

  /// All values, separated by commas.
  static var optionNames: String { allCases.map(\.optionName).joined(separator: ", ") }
}
