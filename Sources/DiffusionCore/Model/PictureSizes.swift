internal import Foundation

/// The sizes of pictures that a model works at.
///
/// Its own is always among them. All others have sides that are multiples of a unit, so that every halving in the networks
/// is exact, as it was in training.
package struct PictureSizes: Sendable, Equatable {
  /// The size that the model was trained on.
  package let own: PixelSize
  /// Of what the sides of other sizes are multiples.
  package let unit: Int

  /// Those other sizes.
  private let others: [PixelSize]

  /// The most times by which the number of pixels may differ from the model's own, and a side from the other.
  private static let widestRange = 4
  /// The longest side of an automatic size, in shorter ones.
  private static let longestProportion = 3.0
  /// What a change of the number of pixels weighs, where one of the proportion weighs 1.
  ///
  /// Cutting or stretching is seen at once; more or fewer pixels cost time, or detail.
  private static let weightOfPixelCount = 0.25

  package init(own: PixelSize, unit: Int) {
    self.own = own
    self.unit = unit
    // A configuration may say anything.
    let most = min(512, Self.widestRange * max(own.width, own.height) / unit)
    others = (0..<most * most).map {
      PixelSize(width: unit * ($0 % most + 1), height: unit * ($0 / most + 1))
    }.filter {
      func isNear(_ a: Int, _ b: Int) -> Bool { a <= Self.widestRange * b && b <= Self.widestRange * a }
      return isNear($0.width * $0.height, own.width * own.height) && isNear($0.width, $0.height)
    }
  }

  /// The size of about the proportion of a picture and about the model's number of pixels.
  ///
  /// Beyond 1 : 3 and 3 : 1 it is that of the limit.
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

  /// Refuses a size that the model does not work at.
  ///
  /// - Throws: `InputError(.outOfRange)` that names the nearest sizes.
  package func check(_ size: PixelSize) throws(InputError) {
    guard size != own, !others.contains(size) else { return }
    let isWhole = size.width.isMultiple(of: unit) && size.height.isMultiple(of: unit)
    let reason =
      isWhole
      ? "is too far from this model's own \(own), of whose pixels a size may have a quarter to four times, in sides up to 4 : 1"
      : "does not do: both sides must be multiples of \(unit) with this model"
    throw InputError(
      .outOfRange,
      "A picture of \(size) \(reason). The nearest sizes are "
        + nearest(to: size).map(\.description).joined(separator: " and ") + ".")
  }

  /// The two sizes that are least unlike one, by the logarithms of their sides.
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
  /// The sizes that the model works at.
  package var pictureSizes: PictureSizes { PictureSizes(own: pictureSize, unit: sizeUnit) }
}
