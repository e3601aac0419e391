internal import Foundation

/// The picture sizes that a model supports.
///
/// They include the model's own size. All others have sides that are multiples of a unit, so that every downsampling
/// in the networks is exact, as in training.
package struct PictureSizes: Sendable, Equatable {
  /// The size the model was trained on.
  package let own: PixelSize
  /// The unit of the sides of other sizes.
  package let unit: Int

  /// The sizes other than the model's own.
  private let others: [PixelSize]

  /// The largest ratio between the pixel counts of a size and the model's own, and between the two sides of a size.
  private static let widestRange = 4
  /// The largest aspect ratio of an automatic size.
  private static let longestProportion = 3.0
  /// The weight of a change of the pixel count, relative to a change of the aspect ratio.
  ///
  /// A change of the aspect ratio crops or pads the picture, which is visible; the pixel count affects only time and
  /// detail.
  private static let weightOfPixelCount = 0.25

  package init(own: PixelSize, unit: Int) {
    self.own = own
    self.unit = unit
    // A configuration may contain any numbers, so limit the search.
    let most = min(512, Self.widestRange * max(own.width, own.height) / unit)
    others = (0..<most * most).map {
      PixelSize(width: unit * ($0 % most + 1), height: unit * ($0 / most + 1))
    }.filter {
      func isNear(_ a: Int, _ b: Int) -> Bool { a <= Self.widestRange * b && b <= Self.widestRange * a }
      return isNear($0.width * $0.height, own.width * own.height) && isNear($0.width, $0.height)
    }
  }

  /// Returns the size with about the aspect ratio of a picture and about the model's pixel count.
  ///
  /// Aspect ratios are limited to between 1 : 3 and 3 : 1.
  package func automatic(for picture: PixelSize) -> PixelSize {
    guard picture.width * own.height != picture.height * own.width else { return own }
    let proportion = Double(picture.width) / Double(picture.height)
    let limit = Self.longestProportion
    let wanted = log(min(max(proportion, 1 / limit), limit))
    let pixels = Double(own.width * own.height)
    func cost(_ size: PixelSize) -> Double {
      let (width, height) = (Double(size.width), Double(size.height))
      return abs(log(width / height) - wanted) + Self.weightOfPixelCount * abs(log(width * height / pixels))
    }
    return others.min { cost($0) < cost($1) } ?? own
  }

  /// Checks that the model supports a size.
  ///
  /// - Throws: `InputError(.outOfRange)` that names the two nearest supported sizes.
  package func check(_ size: PixelSize) throws(InputError) {
    guard size != own, !others.contains(size) else { return }
    let isWhole = size.width.isMultiple(of: unit) && size.height.isMultiple(of: unit)
    let reason =
      isWhole
      ? "is too far from this model's own \(own): a size may have a quarter to four times its pixels, in an aspect ratio up to 4 : 1"
      : "is not supported: with this model, both sides must be multiples of \(unit)"
    throw InputError(
      .outOfRange,
      "A picture of \(size) \(reason). The nearest sizes are "
        + nearest(to: size).map(\.description).joined(separator: " and ") + ".")
  }

  /// Returns the two supported sizes nearest to `size`, by the logarithms of the sides.
  private func nearest(to size: PixelSize) -> some Sequence<PixelSize> {
    func distance(_ other: PixelSize) -> Double {
      let width = log(Double(other.width) / Double(max(1, size.width)))
      let height = log(Double(other.height) / Double(max(1, size.height)))
      return width * width + height * height
    }
    let all = others.contains(own) ? others : others + [own]
    return all.sorted { distance($0) < distance($1) }.prefix(2)
  }
}

extension ModelConfiguration {
  /// The picture sizes that the model supports.
  package var pictureSizes: PictureSizes { PictureSizes(own: pictureSize, unit: sizeUnit) }
}
