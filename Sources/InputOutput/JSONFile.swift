package import Foundation

/// A reader of the JSON files of a checkpoint.
package enum JSONFile {
  /// Decodes a JSON file.
  ///
  /// - Throws: `InputError` if the file is missing, is not JSON, or lacks a value that `T` requires.
  package static func decode<T: Decodable>(_ type: T.Type, from url: URL) throws -> T {
    try decode(type, from: InputFile(url).contents(), path: url.path)
  }

  /// Decodes a JSON text.
  ///
  /// - Parameter path: The file name for error messages.
  /// - Throws: `InputError` if the text is not JSON, or lacks a value that `T` requires.
  package static func decode<T: Decodable>(_ type: T.Type, from json: Data, path: String) throws -> T {
    do {
      return try JSONDecoder().decode(type, from: json)
    } catch let error as InputError {
      throw error
    } catch {
      throw InputError(.malformed, "\(path) \(JSONFault.sentence(for: error)).")
    }
  }
}
