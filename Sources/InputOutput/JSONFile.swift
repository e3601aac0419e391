package import Foundation

/// Reads JSON files of a checkpoint.
package enum JSONFile {
  /// - Throws: `InputError` if the file is missing, is not JSON, or lacks something that `T` needs.
  package static func decode<T: Decodable>(_ type: T.Type, from url: URL) throws -> T {
    let data = try InputFile(url).contents()
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch let error as InputError {
      throw error
    } catch {
      throw InputError(.malformed, "\(url.path) \(JSONFault.sentence(for: error)).")
    }
  }
}
