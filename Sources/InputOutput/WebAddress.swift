/// Addresses of the web where the name of a file is wanted.
package enum WebAddress {
  /// What to say of a path that is or ends with an address; nil if none does.
  package static func sentence(in path: String) -> String? {
    guard let match = path.firstMatch(of: #/https?:/.*/#) else { return nil }
    return "\(match.output) is an address, not a file; download it first, and name the file."
  }
}
