internal import DiffusionCore
internal import Tensor

/// Guidance that follows the new prompt only where its prediction differs clearly from that of the null embedding.
///
/// This is the part of ProxEdit (Han et al. 2023, arXiv 2306.05414) that extends negative-prompt inversion. Of the
/// guidance difference d = ε_text − ε∅, only magnitudes above λ count, where λ is a quantile of |d|:
///
///     ε = ε∅ + w prox(d)
///
/// In the last part of the steps, the latent after a step is pulled back toward the source's pivot wherever
/// |prox(d)| is at most λ and no larger value is near. Here, λ is the quantile over the target's own latent. The
/// published code takes the quantile over a batch that includes the source, whose differences are zero with
/// negative-prompt inversion; its 0.7 therefore corresponds to 0.4 here.
public struct ProximalGuidance: Sendable, Hashable {
  /// The treatment of differences above the threshold.
  public enum Shrinkage: String, Sendable, Hashable, Codable {
    /// Subtracts the threshold from the magnitude: the proximal operator of λ‖d‖₁, and the default of the published
    /// code.
    case soft
    /// Keeps the difference: the proximal operator of the number of nonzero differences, ‖d‖₀.
    case hard
  }

  /// The share of the differences that is set to zero, smallest magnitudes first; 0 to 1.
  public var quantile: Double
  /// The treatment of the remaining differences.
  public var shrinkage: Shrinkage
  /// The strength of the pull-back toward the source's pivot in unchanged places: 0 for none, 1 for replacement by
  /// the pivot.
  public var pullBack: Double
  /// The share of the steps before the pull-back begins; 0 to 1.
  public var pullBackStart: Double
  /// The dilation of the changed places before the pull-back, in latent pixels; 0 to 64.
  public var dilation: Int

  /// Creates settings; the defaults are the published ones, except that the quantile is defined differently.
  public init(
    quantile: Double = 0.7, shrinkage: Shrinkage = .soft, pullBack: Double = 1, pullBackStart: Double = 0.6,
    dilation: Int = 1
  ) {
    self.quantile = quantile
    self.shrinkage = shrinkage
    self.pullBack = pullBack
    self.pullBackStart = pullBackStart
    self.dilation = dilation
  }

  func validate() throws {
    for (value, what) in [
      (quantile, "quantile of proximal guidance"), (pullBack, "pull-back"),
      (pullBackStart, "start of the pull-back"),
    ] {
      guard (0...1).contains(value) else {
        throw InputError(.outOfRange, "The \(what) is \(value), but must be between 0 and 1.")
      }
    }
    guard (0...64).contains(dilation) else {
      throw InputError(.outOfRange, "The dilation is \(dilation) pixels, but must be between 0 and 64.")
    }
  }

  /// Returns the guided prediction and the map of unchanged places.
  ///
  /// - Parameters:
  ///   - null: The prediction for the null embedding: height x width x channels, like `text` and both results.
  ///   - text: The prediction for the prompt.
  ///   - guidance: The guidance scale w.
  /// - Returns: The prediction, and a map that is 1 in unchanged places and 0 elsewhere.
  func guided(null: Tensor, text: Tensor, guidance: Double) -> (prediction: Tensor, unchanged: Tensor) {
    let difference = text - null
    let threshold = Self.quantile(quantile, ofMagnitudesOf: difference)
    let kept = difference.mapped { d in
      guard abs(d) > threshold else { return 0 }
      return shrinkage == .hard ? d : d - (d < 0 ? -threshold : threshold)
    }
    let changes = kept.mapped { abs($0) > threshold ? 1 : 0 }
    return (null + Float(guidance) * kept, dilated(changes).mapped { 1 - $0 })
  }

  /// Whether a step pulls unchanged places back; step 0 is the noisiest.
  func pullsBack(step: Int, of steps: Int) -> Bool {
    pullBack > 0 && step >= Int((pullBackStart * Double(steps)).rounded())
  }

  /// Returns the latent, pulled back toward the pivot in unchanged places.
  func pulledBack(_ latent: Tensor, to pivot: Tensor, unchanged: Tensor) -> Tensor {
    latent - Float(pullBack) * unchanged * (latent - pivot)
  }

  /// Returns the `part` quantile of the magnitudes, linearly interpolated between neighboring values.
  static func quantile(_ part: Double, ofMagnitudesOf tensor: Tensor) -> Float {
    let sorted = tensor.withScalars { $0.map(abs).sorted() }
    let position = part * Double(sorted.count - 1)
    let (low, share) = (Int(position), position - position.rounded(.down))
    let high = min(low + 1, sorted.count - 1)
    return Float(Double(sorted[low]) + share * (Double(sorted[high]) - Double(sorted[low])))
  }

  /// Returns the maximum of each channel within `dilation` pixels in each direction.
  private func dilated(_ mask: Tensor) -> Tensor {
    guard dilation > 0 else { return mask }
    let (height, width, channels) = mask.shape3
    return Tensor(shape: mask.shape) { result in
      mask.withScalars { mask in
        for y in 0..<height {
          for x in 0..<width {
            for channel in 0..<channels {
              var greatest: Float = 0
              for row in max(0, y - dilation)...min(height - 1, y + dilation) {
                for column in max(0, x - dilation)...min(width - 1, x + dilation) {
                  greatest = max(greatest, mask[(row * width + column) * channels + channel])
                }
              }
              result[(y * width + x) * channels + channel] = greatest
            }
          }
        }
      }
    }
  }
}

extension ProximalGuidance: Codable {
  private enum Key: String, CodingKey { case quantile, shrinkage, pullBack, pullBackStart, dilation }

  /// Decodes settings; missing keys have the default values.
  public init(from decoder: any Decoder) throws {
    self.init()
    let values = try decoder.container(keyedBy: Key.self)
    quantile = try values.decodeIfPresent(Double.self, forKey: .quantile) ?? quantile
    shrinkage = try values.decodeIfPresent(Shrinkage.self, forKey: .shrinkage) ?? shrinkage
    pullBack = try values.decodeIfPresent(Double.self, forKey: .pullBack) ?? pullBack
    pullBackStart = try values.decodeIfPresent(Double.self, forKey: .pullBackStart) ?? pullBackStart
    dilation = try values.decodeIfPresent(Int.self, forKey: .dilation) ?? dilation
  }
}
