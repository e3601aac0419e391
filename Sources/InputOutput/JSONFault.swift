internal import Foundation

/// What is wrong with a JSON text, in words that can end a sentence about it.
package enum JSONFault {
  /// Such as "has no number for key "in_channels"".
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
      return "is JSON, but not of the expected form"
    case DecodingError.typeMismatch(_, let context):
      return "has a value of the wrong type for \(key(context.codingPath))"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "has a value that cannot be used for \(key(context.codingPath)): \(context.debugDescription)"
    default:
      return "is not valid JSON"
    }
  }
}
