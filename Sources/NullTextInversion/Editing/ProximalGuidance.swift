internal import DiffusionCore
internal import Tensor

/// Guidance that follows the new prompt only where it says something else than the null embedding.
///
/// What ProxEdit adds to negative-prompt inversion (Han and others 2023, arXiv:2306.05414). Of the guidance difference
/// d = ε_text − ε∅ only what exceeds λ counts, a quantile of |d|:
///
///     ε = ε∅ + w prox(d)
///
/// In the last part of the steps, the latent after a step is moved towards the source's pivot wherever |prox(d)| is at
/// most λ and no larger one is near. λ is taken over the target's own latent; the published code takes it over a batch
/// with the source's, whose differences are nought with negative-prompt inversion, so that its 0.7 is 0.4 here.
public struct ProximalGuidance: Sendable, Hashable {
  /// What becomes of a difference above the threshold.
  public enum Shrinkage: String, Sendable, Hashable, Codable {
    /// It is lessened by the threshold: the proximal operator of λ‖d‖₁, and what the published code does by default.
    case soft
    /// It is kept: that of the count of what is not nought.
    case hard
  }

  /// The part of the differences that is dropped, the smallest first.
  public var quantile: Double
  /// What becomes of the others.
  public var shrinkage: Shrinkage
  /// How far each step moves the unchanged places towards the source's pivot; 0 not at all, 1 onto it.
  public var pullBack: Double
  /// The part of the steps before the first that does.
  public var pullBackStart: Double
  /// By how many of the latent's pixels the changed places are grown before.
  public var dilation: Int

  /// The published settings, but for the quantile's meaning.
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
        throw InputError(.outOfRange, "a \(what) of \(value): ask for 0 to 1.")
      }
    }
    guard (0...64).contains(dilation) else {
      throw InputError(.outOfRange, "a dilation of \(dilation) pixels: ask for 0 to 64.")
    }
  }

  /// What guidance makes of the predictions for the null embedding and for the text, and where it moves the picture.
  ///
  /// - Parameters:
  ///   - null: height x width x channels, as are `text` and the result.
  ///   - guidance: the factor w.
  /// - Returns: the prediction, and 1 where the picture is to stay as it was, 0 where not.
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

  /// Whether a step (0 is the noisiest) moves the unchanged places.
  func pullsBack(step: Int, of steps: Int) -> Bool {
    pullBack > 0 && step >= Int((pullBackStart * Double(steps)).rounded())
  }

  /// A latent moved towards the pivot where nothing is to change.
  func pulledBack(_ latent: Tensor, to pivot: Tensor, unchanged: Tensor) -> Tensor {
    latent - Float(pullBack) * unchanged * (latent - pivot)
  }

  /// The value below which a part of the magnitudes lies, between two of them in proportion.
  static func quantile(_ part: Double, ofMagnitudesOf tensor: Tensor) -> Float {
    let sorted = tensor.withScalars { $0.map(abs).sorted() }
    let position = part * Double(sorted.count - 1)
    let (low, share) = (Int(position), position - position.rounded(.down))
    let high = min(low + 1, sorted.count - 1)
    return Float(Double(sorted[low]) + share * (Double(sorted[high]) - Double(sorted[low])))
  }

  /// The greatest value within `dilation` pixels in each direction, of each channel.
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

  /// Reads settings; what they leave out has its default.
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
