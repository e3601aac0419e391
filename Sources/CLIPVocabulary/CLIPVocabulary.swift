internal import CZlib
package import Foundation
internal import InputOutput

/// The vocabulary of CLIP, shared by all Stable Diffusion 1 and 2 models and missing from single-file checkpoints.
package enum CLIPVocabulary {
  /// The maximum size of the text in bytes; a longer text means that the file is damaged.
  private static let byteLimit = 1 << 20

  /// Returns the text of CLIP's `merges.txt`: a version line, then lines of two tokens.
  ///
  /// - Throws: `InputError` if the resources of this package are missing or damaged.
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
      throw InputError(.malformed, "\(url.path) is damaged. Install the program or the package again.")
    }
    return text.prefix(Int(count))
  }
}
