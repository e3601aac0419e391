internal import DiffusionCore

/// Pastes an edit into the photo that was inverted, at the photo's own size.
///
/// Where the edit kept the structure, for example after a change of color, the difference between edit and
/// reconstruction is added to the photo, which preserves the detail that the autoencoder loses. Where the edit
/// replaced the structure, this detail belongs to the old object and would remain visible, so the edit itself is
/// pasted. Where colors changed strongly, only the luma of the detail is kept.
struct PastedEdit {
  let edited: RGBImage
  let reconstruction: RGBImage
  /// The region that the edit may change, of the same size, values from 0 to 1; nil for everywhere.
  let region: PixelMap?
  /// The part of the edit and of the reconstruction that shows the photo, without padding.
  let area: PixelRect
  /// The part of the photo that was inverted.
  let crop: PixelRect
  /// The number of image pixels per latent pixel along each side: the resolution of an edit.
  let grain: Int

  /// The range of differences, out of 255, over which the change grows from none to full.
  ///
  /// Without a mask, the limits are higher to suppress unwanted color drift.
  private var changeLimits: (low: Float, high: Float) { region == nil ? (6, 18) : (1, 4) }

  /// The range of differences, out of 255, over which lost detail is reduced from full color to luma only.
  private static let colorLimits: (low: Float, high: Float) = (12, 48)

  /// The range of structural similarity over which pasting the edit changes to adding the difference.
  private static let likenessLimits: (low: Float, high: Float) = (0.6, 0.9)

  /// The weight of the large window relative to the small one in the structural similarity.
  ///
  /// In an area that is flat in both images, the small window gives no information; the large one shows whether the
  /// pixel belongs to a replaced object.
  private static let wideShare: Float = 0.3

  /// The weights of the operations at each pixel, from 0 to 1.
  private struct Weights {
    /// How far the photo changes; its bytes stay the same where this is 0.
    var change: PixelMap
    /// How much of the lost detail is discarded.
    var replaced: PixelMap
    /// How much of the lost detail's color is discarded.
    var recolored: PixelMap

    /// Returns the weights of a part of the image, resized to the size of that part in the photo.
    func enlarged(_ area: PixelRect, to size: PixelRect) -> Weights {
      func enlarged(_ map: PixelMap) -> PixelMap {
        map.cropped(to: area).resized(width: size.width, height: size.height)
      }
      return Weights(
        change: enlarged(change), replaced: enlarged(replaced), recolored: enlarged(recolored))
    }
  }

  /// Returns the photo with the edit pasted in.
  func pasted(into photo: RGBImage) throws -> RGBImage {
    func enlarged(_ picture: RGBImage) throws -> RGBImage {
      try picture.cropped(to: area).resized(width: crop.width, height: crop.height)
    }
    let (new, old) = (try enlarged(edited), try enlarged(reconstruction))
    let weights = self.weights().enlarged(area, to: crop)
    // Changes fade out over two latent pixels toward edges of the crop that are inside the photo.
    let reach = 2 * Float(grain) * Float(crop.width) / Float(area.width)
    func fade(_ place: Int, of length: Int, start: Int, in whole: Int) -> Float {
      let before = start > 0 ? Float(place) + 0.5 : reach
      let after = start + length < whole ? Float(length - place) - 0.5 : reach
      return min(before, after).smoothStep(0, reach)
    }
    let across = (0..<crop.width).map { fade($0, of: crop.width, start: crop.x, in: photo.width) }
    var result = photo
    for row in 0..<crop.height {
      let down = fade(row, of: crop.height, start: crop.y, in: photo.height)
      for column in 0..<crop.width {
        let place = row * crop.width + column
        let change = weights.change.values[place] * across[column] * down
        guard change > 0 else { continue }
        let (x, y) = (crop.x + column, crop.y + row)
        let original = SIMD3<Float>(photo[x, y])
        let edited = SIMD3<Float>(new[column, row])
        var detail = original - SIMD3<Float>(old[column, row])
        detail += weights.recolored.values[place] * (SIMD3(repeating: detail.luma) - detail)
        let wanted = edited + (1 - weights.replaced.values[place]) * detail
        let value = original + change * (wanted - original)
        result[x, y] = SIMD3<UInt8>(
          value.rounded(.toNearestOrAwayFromZero).clamped(
            lowerBound: SIMD3(repeating: 0), upperBound: SIMD3(repeating: 255)))
      }
    }
    return result
  }

  private func weights() -> Weights {
    let radius = max(1, grain / 2)
    let difference = PixelMap(edited, reconstruction) { a, b in
      let gap = a - b
      return max(gap.max(), -gap.min())
    }.blurred(radius: radius)
    let (low, high) = changeLimits
    let change = difference.map { $0.smoothStep(low, high) }
    return Weights(
      change: region.map { .zip(change, $0.blurred(radius: radius), *) } ?? change,
      replaced: likeness(radius: radius).map {
        1 - $0.smoothStep(Self.likenessLimits.low, Self.likenessLimits.high)
      },
      recolored: difference.map { $0.smoothStep(Self.colorLimits.low, Self.colorLimits.high) })
  }

  /// Returns the second factor of SSIM over luma, (2 cov + C) / (var + var + C) with C = (0.03 · 255)², over windows
  /// of two sizes.
  private func likeness(radius: Int) -> PixelMap {
    let a = PixelMap(edited, edited) { pixel, _ in pixel.luma }
    let b = PixelMap(reconstruction, reconstruction) { pixel, _ in pixel.luma }
    /// Returns twice the covariance and the sum of the variances.
    func moments(radius: Int) -> (covariance: PixelMap, variance: PixelMap) {
      func mean(_ map: PixelMap) -> PixelMap { map.blurred(radius: radius) }
      let (meanA, meanB) = (mean(a), mean(b))
      let squares = mean(.zip(a, b) { $0 * $0 + $1 * $1 })
      return (
        .zip(mean(.zip(a, b) { 2 * $0 * $1 }), .zip(meanA, meanB) { 2 * $0 * $1 }, -),
        PixelMap.zip(squares, .zip(meanA, meanB) { $0 * $0 + $1 * $1 }, -).map { max(0, $0) }
      )
    }
    let (near, wide) = (moments(radius: radius), moments(radius: 2 * radius))
    func sum(_ near: PixelMap, _ wide: PixelMap) -> PixelMap {
      .zip(near, wide) { $0 + Self.wideShare * $1 }
    }
    let constant: Float = 0.03 * 255 * 0.03 * 255
    return .zip(sum(near.covariance, wide.covariance), sum(near.variance, wide.variance)) {
      ($0 + constant) / ($1 + constant)
    }
  }
}

extension SIMD3<Float> {
  /// The luma of a color, with the BT.601 weights of grayscale conversion.
  fileprivate var luma: Float { (self * SIMD3(0.299, 0.587, 0.114)).sum() }
}
