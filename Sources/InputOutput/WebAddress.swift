/// A check for web addresses given instead of file names.
package enum WebAddress {
  /// Returns a message if the path contains a web address; nil otherwise.
  package static func sentence(in path: String) -> String? {
    guard let match = path.firstMatch(of: #/https?:/.*/#) else { return nil }
    return "\(match.output) is an address, not a file. Download it first and specify the file."
  }
}
