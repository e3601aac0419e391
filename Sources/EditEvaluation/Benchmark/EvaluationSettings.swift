internal import DiffusionCore
internal import Foundation

/// The settings of all results in one folder: the content of its `settings.json`.
public struct EvaluationSettings: Sendable, Equatable, Codable {
  /// The version of the format of the results.
  public private(set) var format = Self.format
  /// The fingerprint of the model's weights.
  public var modelFingerprint: String
  /// The options of the inversions and edits.
  public var options: EvaluationOptions

  static let format = 2

  init(modelFingerprint: String, options: EvaluationOptions) {
    self.modelFingerprint = modelFingerprint
    self.options = options
  }

  private enum CodingKeys: String, CodingKey { case format, modelFingerprint, options }

  /// The fingerprint of the settings: 16 hexadecimal digits.
  var fingerprint: String { get throws { Self.fingerprint(of: try ResultJSON.data(of: self)) } }

  /// Returns the fingerprint of settings as written by any version.
  static func fingerprint(of written: Data) -> String {
    var fingerprint = Fingerprint()
    fingerprint.add(written)
    return fingerprint.hexadecimal
  }

  /// Returns the differences from earlier settings, as in "options.inversion.steps (50, now 20)".
  func differences(from written: Data) throws -> [String] {
    let (old, new) = (try Self.leaves(of: written), try Self.leaves(of: ResultJSON.data(of: self)))
    return Set(old.keys).union(new.keys).sorted().compactMap { key in
      old[key] == new[key] ? nil : "\(key) (\(old[key] ?? "not set"), now \(new[key] ?? "not set"))"
    }
  }

  /// Returns the values in a JSON text by their dotted paths.
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
