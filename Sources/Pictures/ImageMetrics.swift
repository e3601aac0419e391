internal import Foundation
public import Tensor

/// Metrics for the difference between two pictures of the same size.
///
/// Samples range from 0 to 1. A mask, height × width, marks the region that is *not* compared, like PIE-Bench's mask of
/// the region that an edit may change: both pictures are multiplied by one minus the mask, and the metric covers the
/// whole frame. If the mask covers everything, the result is NaN. Different sizes are a programming error.
public enum ImageMetrics {
  /// Returns the mean squared difference of the samples, from 0 to 1.
  public static func meanSquaredError(_ a: RGBImage, _ b: RGBImage, masking mask: Tensor? = nil) -> Double {
    guard let (a, b) = planes(a, b, mask) else { return .nan }
    var sum = 0.0
    for channel in 0..<3 {
      for (x, y) in zip(a[channel].samples, b[channel].samples) { sum += (x - y) * (x - y) }
    }
    return sum / Double(3 * a[0].samples.count)
  }

  /// Returns the peak signal-to-noise ratio in decibels: -10 log10 of the mean squared error; infinite for equal
  /// pictures.
  public static func psnr(_ a: RGBImage, _ b: RGBImage, masking mask: Tensor? = nil) -> Double {
    -10 * log10(meanSquaredError(a, b, masking: mask))
  }

  /// The window of the structural similarity.
  public enum SimilarityWindow: Sendable, Hashable {
    /// 7 × 7 pixels of equal weight with sample covariances, as in scikit-image's `structural_similarity`.
    ///
    /// The mean covers the windows that lie inside the frame.
    case uniform
    /// 11 × 11 pixels with a Gaussian of 1.5 pixels, as in torchmetrics and PIE-Bench.
    ///
    /// Each pixel has a window; the picture is mirrored at its borders.
    case gaussian

    /// The minimum side length of a picture for which the similarity is defined.
    public var shortestSide: Int { self == .uniform ? 7 : 6 }

    /// The weights along one axis, with sum 1.
    fileprivate var weights: [Double] {
      switch self {
      case .uniform: return Array(repeating: 1 / 7, count: 7)
      case .gaussian:
        let bell = (-5...5).map { (x: Int) -> Double in exp(-Double(x * x) / 4.5) }
        let sum = bell.reduce(0, +)
        return bell.map { $0 / sum }
      }
    }

    fileprivate var covarianceFactor: Double { self == .uniform ? 49 / 48 : 1 }
  }

  /// Returns the structural similarity, the mean over all windows and the three channels; 1 for equal pictures.
  ///
  /// Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004, equation 13,
  /// with K1 = 0.01 and K2 = 0.03. The result is NaN if a side is shorter than ``SimilarityWindow/shortestSide``.
  public static func ssim(
    _ a: RGBImage, _ b: RGBImage, window: SimilarityWindow = .gaussian, masking mask: Tensor? = nil
  ) -> Double {
    guard min(a.width, a.height) >= window.shortestSide, let (a, b) = planes(a, b, mask) else { return .nan }
    return (0..<3).map { similarity(a[$0], b[$0], window) }.reduce(0, +) / 3
  }

  private static func similarity(_ a: Plane, _ b: Plane, _ window: SimilarityWindow) -> Double {
    let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03)
    let weights = window.weights
    let (a, b) = window == .gaussian ? (a.mirrored(by: 5), b.mirrored(by: 5)) : (a, b)
    let meanA = a.averaged(weights).samples
    let meanB = b.averaged(weights).samples
    let squareA = a.times(a).averaged(weights).samples
    let squareB = b.times(b).averaged(weights).samples
    let product = a.times(b).averaged(weights).samples
    var sum = 0.0
    for i in meanA.indices {
      let (x, y) = (meanA[i], meanB[i])
      let varianceA = window.covarianceFactor * (squareA[i] - x * x)
      let varianceB = window.covarianceFactor * (squareB[i] - y * y)
      let covariance = window.covarianceFactor * (product[i] - x * y)
      sum +=
        (2 * x * y + c1) * (2 * covariance + c2)
        / ((x * x + y * y + c1) * (varianceA + varianceB + c2))
    }
    return sum / Double(meanA.count)
  }

  /// Returns the red, green and blue planes of both pictures outside of the mask; nil if the mask covers everything.
  private static func planes(_ a: RGBImage, _ b: RGBImage, _ mask: Tensor?) -> ([Plane], [Plane])? {
    precondition(a.width == b.width && a.height == b.height, "\(a) and \(b) differ in size")
    var kept: [Double]?
    if let mask {
      precondition(mask.shape == [a.height, a.width], "a mask of \(mask.shape) for \(a)")
      let weights = mask.scalars.map { 1 - Double($0) }
      guard weights.contains(where: { $0 != 0 }) else { return nil }
      kept = weights
    }
    func planes(_ image: RGBImage) -> [Plane] {
      (0..<3).map { channel in
        Plane(
          width: image.width,
          samples: (0..<image.width * image.height).map { i in
            Double(image.bytes[3 * i + channel]) / 255 * (kept?[i] ?? 1)
          })
      }
    }
    return (planes(a), planes(b))
  }
}

/// One channel of a picture.
private struct Plane {
  var width: Int
  var samples: [Double]

  func times(_ other: Plane) -> Plane {
    Plane(width: width, samples: zip(samples, other.samples).map { $0 * $1 })
  }

  /// Returns the channel extended on all sides by mirroring at the border pixels.
  func mirrored(by margin: Int) -> Plane {
    let height = samples.count / width
    func mirrored(_ length: Int) -> [Int] {
      (-margin..<length + margin).map { i in
        let i = abs(i)
        return i < length ? i : 2 * (length - 1) - i
      }
    }
    let columns = mirrored(width)
    let mirror = mirrored(height).flatMap { y in columns.map { x in samples[y * width + x] } }
    return Plane(width: width + 2 * margin, samples: mirror)
  }

  /// Returns the weighted mean around each pixel whose window lies inside the frame.
  func averaged(_ weights: [Double]) -> Plane {
    let height = samples.count / width
    let reach = weights.count - 1
    let narrow = width - reach
    var rows = [Double](repeating: 0, count: narrow * height)
    for y in 0..<height {
      for x in 0..<narrow {
        var sum = 0.0
        for k in 0...reach { sum += weights[k] * samples[y * width + x + k] }
        rows[y * narrow + x] = sum
      }
    }
    var result = [Double](repeating: 0, count: narrow * (height - reach))
    for i in result.indices {
      var sum = 0.0
      for k in 0...reach { sum += weights[k] * rows[i + k * narrow] }
      result[i] = sum
    }
    return Plane(width: narrow, samples: result)
  }
}
