internal import CZlib
package import Foundation
internal import InputOutput

/// The vocabulary of CLIP, which all of Stable Diffusion 1 and 2 share and single-file checkpoints leave out.
package enum CLIPVocabulary {
  /// More than the text has, and little enough for a damaged file.
  private static let byteLimit = 1 << 20

  /// The text of its `merges.txt`: a line with the version, then two tokens a line.
  ///
  /// - Throws: `InputError` if the resources of this package are not there or damaged.
  package static func merges() throws -> Data {
    let url = try PackageResources(of: "CLIPVocabulary", besideSource: #filePath).folder(
      with: "merges.txt.gz"
    )
    .appendingPathComponent("merges.txt.gz")
    guard let file = gzopen(url.path, "rb") else {
      throw InputError(.missing, "\(url.path) cannot be opened.")
    }
    defer { gzclose(file) }
    var text = Data(count: byteLimit)
    let count = text.withUnsafeMutableBytes { gzread(file, $0.baseAddress, UInt32($0.count)) }
    guard count > 0, count < byteLimit, gzeof(file) == 1 else {
      throw InputError(.malformed, "\(url.path) is damaged; install the program or the package again.")
    }
    return text.prefix(Int(count))
  }
}
