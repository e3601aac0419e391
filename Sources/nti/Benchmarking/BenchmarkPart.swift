internal import ArgumentParser

/// A part of the work with a model that is timed by itself.
enum BenchmarkPart: String, CaseIterable, Codable {
  /// Reading the checkpoint.
  case load
  /// An evaluation of the UNet.
  case unet
  /// An evaluation after its stem, and the gradient at the text embedding: an inner iteration of null-text inversion.
  case gradient
  /// A picture encoded.
  case encode
  /// A latent decoded.
  case decode

  /// Parts with commas between, in the order in which they are measured.
  static func list(_ text: String) throws -> [BenchmarkPart] {
    let named = try text.split(separator: ",", omittingEmptySubsequences: false).map {
      try BenchmarkPart(optionName: String($0))
    }
    return allCases.filter(named.contains)
  }
}
