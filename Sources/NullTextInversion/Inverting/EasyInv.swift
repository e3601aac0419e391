internal import DiffusionCore
internal import Tensor

/// Mixes pivots with the ones before them on the way from picture to noise.
///
/// Zhang et al. 2024, "EasyInv: toward fast and better DDIM inversion": in a window of the steps, counted from the picture,
/// z ← η z + (1 − η) z_last.
public struct EasyInv: Sendable, Hashable, Codable {
  /// Where the window begins, as a fraction of the steps counted from the picture.
  public var start: Double
  /// The part of the steps in the window.
  public var length: Double
  /// η: the share of the step's own result, from 0 to 1.
  public var share: Double

  /// Settings; the defaults are the published ones.
  public init(start: Double = 0.05, length: Double = 0.2, share: Double = 0.5) {
    self.start = start
    self.length = length
    self.share = share
  }

  func validate() throws(InputError) {
    try InputError.require(
      start >= 0 && length >= 0 && start + length <= 1,
      "a window of EasyInv from \(start), \(length) long: ask for a part of 0 to 1.")
    try InputError.require((0...1).contains(share), "a share of \(share) in EasyInv: ask for 0 to 1.")
  }

  /// The pivot that replaces `pivot`, which step `step` of `count` led to from `last`.
  func mixed(_ pivot: Tensor, with last: Tensor, step: Int, of count: Int) -> Tensor {
    let window = Int(start * Double(count))..<Int((start + length) * Double(count))
    guard window.contains(step) else { return pivot }
    return .combination(Float(share), pivot, Float(1 - share), last)
  }
}
