internal import ArgumentParser

/// A choice of the library as the command line writes it: `conjugate-directions` for `conjugateDirections`.
///
/// Capitals and hyphens make no difference when it is read.
extension RawRepresentable where RawValue == String, Self: CaseIterable {
  /// - Throws: `ValidationError` that lists the choices.
  init(optionName text: String) throws {
    func plain(_ name: String) -> String { name.lowercased().filter { $0 != "-" && $0 != "_" } }
    guard let choice = Self.allCases.first(where: { plain($0.rawValue) == plain(text) }) else {
      throw ValidationError("choose one of \(Self.optionNames).")
    }
    self = choice
  }

  /// As in `null-text`.
  var optionName: String {
    rawValue.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
  }

  /// All choices, with commas between.
  static var optionNames: String { allCases.map(\.optionName).joined(separator: ", ") }
}
