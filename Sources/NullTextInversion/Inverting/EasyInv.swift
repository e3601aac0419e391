internal import DiffusionCore
internal import Tensor

/// EasyInv: mixes each pivot with the previous one during DDIM inversion.
///
/// In a window of the steps, counted from the image, z ← η z + (1 − η) z_last (Zhang et al. 2024, "EasyInv: toward
/// fast and better DDIM inversion").
public struct EasyInv: Sendable, Hashable, Codable {
  /// The start of the window, as a fraction of the steps counted from the image.
  public var start: Double
  /// The length of the window, as a fraction of the steps.
  public var length: Double
  /// The weight η of the step's own result, 0 to 1.
  public var share: Double

  /// Creates settings; the defaults are the published ones.
  public init(start: Double = 0.05, length: Double = 0.2, share: Double = 0.5) {
    self.start = start
    self.length = length
    self.share = share
  }

  func validate() throws(InputError) {
    try InputError.require(
      start >= 0 && length >= 0 && start + length <= 1,
      "The window of EasyInv has start \(start) and length \(length), but must lie between 0 and 1.")
    try InputError.require(
      (0...1).contains(share), "The share of EasyInv is \(share), but must be between 0 and 1.")
  }

  /// Returns the mixture of `pivot`, the result of step `step` of `count`, with the previous pivot `last`.
  func mixed(_ pivot: Tensor, with last: Tensor, step: Int, of count: Int) -> Tensor {
    let window = Int(start * Double(count))..<Int((start + length) * Double(count))
    guard window.contains(step) else { return pivot }
    return .combination(Float(share), pivot, Float(1 - share), last)
  }
}
