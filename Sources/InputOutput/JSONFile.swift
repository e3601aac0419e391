package import Foundation

/// Reads JSON files of a checkpoint.
package enum JSONFile {
  /// - Throws: `InputError` if the file is missing, is not JSON, or lacks something that `T` needs.
  package static func decode<T: Decodable>(_ type: T.Type, from url: URL) throws -> T {
    try decode(type, from: InputFile(url).contents(), path: url.path)
  }

  /// - Parameter path: what messages name as the place of the text.
  /// - Throws: `InputError` if the text is not JSON, or lacks something that `T` needs.
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
