internal import Foundation

/// Descriptions of JSON decoding errors that can end a sentence about the file.
package enum JSONFault {
  /// Returns the description of an error, such as: lacks the key "in_channels".
  package static func sentence(for error: any Error) -> String {
    func key(_ path: [any CodingKey]) -> String {
      "\"\(path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "."))\""
    }
    switch error {
    case DecodingError.keyNotFound(let name, let context):
      return "lacks the key \(key(context.codingPath + [name]))"
    case DecodingError.valueNotFound(_, let context):
      return "has no value for \(key(context.codingPath))"
    case DecodingError.typeMismatch(_, let context) where context.codingPath.isEmpty:
      return "is valid JSON, but has an unexpected structure"
    case DecodingError.typeMismatch(_, let context):
      return "has a value of the wrong type for \(key(context.codingPath))"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "has an invalid value for \(key(context.codingPath)): \(context.debugDescription)"
    default:
      return "is not valid JSON"
    }
  }
}
