internal import CTensorKernels

/// The instruction set level whose kernels are used.
package enum ProcessorLevel: String, Sendable, Codable {
  case portable, avx2, avx512

  /// The highest level that this processor supports.
  package static var current: ProcessorLevel {
    switch ctk_current_level() {
    case ctk_level_avx512: .avx512
    case ctk_level_avx2: .avx2
    default: .portable
    }
  }

  /// The number of panels of 16 columns that a product processes at a time, limited by the registers for sums.
  var panelsAtATime: Int { self == .avx512 ? 2 : 1 }
}
