internal import DiffusionCore
internal import Foundation

/// The JSON of reports and results: several lines with sorted keys, so that equal content gives equal text.
///
/// Non-finite numbers are the strings "inf", "-inf" and "nan".
enum ResultJSON {
  static func data(of value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(value) + Data("\n".utf8)
  }

  static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: data)
  }
}

/// The creation of output folders.
enum OutputFolder {
  /// Creates a folder and its parents if they do not exist.
  ///
  /// - Throws: `InputError(.unwritable)` if that fails.
  static func make(_ folder: URL) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw InputError(
        .unwritable,
        "The folder \(folder.path) cannot be created. Check that you may write to its parent, and that no file has its "
          + "name.")
    }
  }
}
