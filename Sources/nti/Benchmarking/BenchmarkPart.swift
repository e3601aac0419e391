internal import ArgumentParser

/// A part of the work with a model that is timed separately.
enum BenchmarkPart: String, CaseIterable, Codable {
  /// Reading the checkpoint.
  case load
  /// One evaluation of the UNet.
  case unet
  /// One inner iteration of null-text inversion: an evaluation without its stem, and the gradient with respect to the
  /// text embedding.
  case gradient
  /// Encoding one picture.
  case encode
  /// Decoding one latent.
  case decode

  /// Parses a comma-separated list of parts, and returns them in the order of measurement.
  static func list(_ text: String) throws -> [BenchmarkPart] {
    let named = try text.split(separator: ",", omittingEmptySubsequences: false).map {
      try BenchmarkPart(optionName: String($0))
    }
    return allCases.filter(named.contains)
  }
}
