internal import CTensorKernels

/// The processor level whose loops are used.
package enum ProcessorLevel: String, Sendable, Codable {
  case portable, avx2, avx512

  /// The best one that runs here.
  package static var current: ProcessorLevel {
    switch ctk_current_level() {
    case ctk_level_avx512: .avx512
    case ctk_level_avx2: .avx2
    default: .portable
    }
  }

  /// The number of panels of 16 columns that a product meets at a time: as many as the registers hold sums for.
  var panelsAtATime: Int { self == .avx512 ? 2 : 1 }
}
