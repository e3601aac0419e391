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

  /// The most times by which the number of pixels may differ from the model's own.
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
    let most = max(1, Int((pixels * 2 * limit).squareRoot()) / unit)
    let sizes = (1...most).flatMap { columns in
      (1...most).map { PixelSize(width: unit * columns, height: unit * $0) }
    }
    return sizes.filter(isInRange).min { cost($0) < cost($1) } ?? own
  }

  /// Refuses a size that the model does not work at.
  ///
  /// - Throws: `InputError(.outOfRange)` that names the nearest sizes.
  package func check(_ size: PixelSize) throws(InputError) {
    guard size != own else { return }
    let isWhole = size.width.isMultiple(of: unit) && size.height.isMultiple(of: unit)
    guard !isWhole || !isInRange(size) else { return }
    let reason =
      isWhole
      ? "has \(size.width * size.height) pixels, and this model works on a quarter to four times its own "
        + "\(own.width * own.height)"
      : "does not do: both sides must be multiples of \(unit) with this model"
    throw InputError(
      .outOfRange,
      "A picture of \(size) \(reason). The nearest sizes are "
        + nearest(to: size).map(\.description).joined(separator: " and ") + ".")
  }

  private func isInRange(_ size: PixelSize) -> Bool {
    let (pixels, others) = (size.width * size.height, own.width * own.height)
    return pixels > 0 && pixels <= Self.widestRange * others && others <= Self.widestRange * pixels
  }

  /// The two sizes that are least unlike one, by the logarithms of their sides.
  private func nearest(to size: PixelSize) -> [PixelSize] {
    let (width, height) = (max(1, size.width), max(1, size.height))
    func distance(_ other: PixelSize) -> Double {
      abs(log(Double(other.width) / Double(width))) + abs(log(Double(other.height) / Double(height)))
    }
    let most = 4 * Self.widestRange * max(own.width, own.height) / unit
    let sizes = (1...max(1, most)).flatMap { columns in
      // Of one width, only the nearest heights can be among the two.
      let pixels = Double(own.width * own.height) / Double(unit * unit * columns)
      let range = (pixels / 4).rounded(.up)...max((pixels / 4).rounded(.up), (pixels * 4).rounded(.down))
      let row = min(max(Double(height) / Double(unit), range.lowerBound), range.upperBound)
      return [row.rounded(.down), row.rounded(.up)].map {
        PixelSize(width: unit * columns, height: unit * Int($0))
      }
    }
    var found: [PixelSize] = []
    for size in (sizes.filter(isInRange) + [own]).sorted(by: { distance($0) < distance($1) })
    where !found.contains(size) && found.count < 2 { found.append(size) }
    return found
  }
}

extension ModelConfiguration {
  /// The sizes that the model works at.
  package var pictureSizes: PictureSizes { PictureSizes(own: pictureSize, unit: sizeUnit) }
}
