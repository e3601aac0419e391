internal import DiffusionCore
internal import Foundation

/// What all results in one folder were computed with: the content of its `settings.json`.
public struct EvaluationSettings: Sendable, Equatable, Codable {
  /// The version of the form of the results.
  public private(set) var format = Self.format
  /// Identifies the weights of the model.
  public var modelFingerprint: String
  /// How records are inverted and edited.
  public var options: EvaluationOptions

  static let format = 2

  init(modelFingerprint: String, options: EvaluationOptions) {
    self.modelFingerprint = modelFingerprint
    self.options = options
  }

  private enum CodingKeys: String, CodingKey { case format, modelFingerprint, options }

  /// Sixteen hexadecimal digits that identify the settings.
  var fingerprint: String { get throws { Self.fingerprint(of: try ResultJSON.data(of: self)) } }

  /// The fingerprint of settings as they were written, by whatever version.
  static func fingerprint(of written: Data) -> String {
    var fingerprint = Fingerprint()
    fingerprint.add(written)
    return fingerprint.hexadecimal
  }

  /// What differs from settings that were written before, as in "options.inversion.steps (50, now 20)".
  func differences(from written: Data) throws -> [String] {
    let (old, new) = (try Self.leaves(of: written), try Self.leaves(of: ResultJSON.data(of: self)))
    return Set(old.keys).union(new.keys).sorted().compactMap { key in
      old[key] == new[key] ? nil : "\(key) (\(old[key] ?? "not set"), now \(new[key] ?? "not set"))"
    }
  }

  /// The values of a JSON text by the dotted paths that lead to them.
  private static func leaves(of json: Data) throws -> [String: String] {
    var leaves: [String: String] = [:]
    func add(_ value: Any, at path: String) {
      if let members = value as? [String: Any] {
        for (name, member) in members { add(member, at: path.isEmpty ? name : "\(path).\(name)") }
      } else if let elements = value as? [Any] {
        for (index, element) in elements.enumerated() { add(element, at: "\(path).\(index)") }
      } else {
        leaves[path] = "\(value)"
      }
    }
    add(try JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed), at: "")
    return leaves
  }
}
