internal import DiffusionCore
internal import Foundation

/// JSON of reports and results: keys sorted and in lines, so that the same content is the same text, and the numbers
/// that JSON does not know as the strings "inf", "-inf" and "nan".
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

/// Folders that results are written into.
enum OutputFolder {
  /// Makes a folder, and those it is in, unless they are there.
  ///
  /// - Throws: `InputError(.unwritable)`.
  static func make(_ folder: URL) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw InputError(
        .unwritable,
        "The folder \(folder.path) cannot be made: check that you may write where it is to go, and that no file is in "
          + "its place.")
    }
  }
}
