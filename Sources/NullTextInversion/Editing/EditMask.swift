public import DiffusionCore
public import Foundation
internal import Tensor

/// A mask of the region of an image that may change; the source is kept elsewhere.
public struct EditMask: Sendable, Hashable, Codable {
  /// The width of the mask in pixels.
  public let width: Int
  /// The height of the mask in pixels.
  public let height: Int
  /// How far each pixel may change, in row-major order: from 0 (not at all) to 255 (freely).
  public let coverage: Data
  /// The width of the soft edge in the mask's pixels, 0 to 1024; 0 for a hard edge.
  public var softEdge: Double

  /// Creates a mask from an image: white pixels may change, black pixels may not.
  ///
  /// - Throws: `InputError` if no pixel is at least half white, or if the edge is out of range.
  public init(_ picture: RGBImage, softEdge: Double = 0) throws {
    width = picture.width
    height = picture.height
    self.softEdge = softEdge
    var bytes = Data(capacity: width * height)
    for y in 0..<height {
      for x in 0..<width {
        let pixel = picture[x, y]
        let luma = SIMD3<Int>(truncatingIfNeeded: pixel) &* SIMD3(299, 587, 114)
        bytes.append(UInt8(luma.wrappedSum() / 1000))
      }
    }
    coverage = bytes
    try validate()
  }

  init(width: Int, height: Int, coverage: Data, softEdge: Double = 0) {
    self.width = width
    self.height = height
    self.coverage = coverage
    self.softEdge = softEdge
  }

  /// A fingerprint of the region, independent of its edge.
  var fingerprint: String {
    var fingerprint = Fingerprint()
    fingerprint.add("\(width)x\(height)")
    fingerprint.add(coverage)
    return fingerprint.hexadecimal
  }

  /// Validates a mask, which may come from an arbitrary recipe.
  func validate() throws {
    guard (0...1024).contains(softEdge) else {
      throw InputError(.outOfRange, "The soft edge is \(softEdge) pixels, but must be between 0 and 1024.")
    }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, coverage.count == count else {
      throw InputError(
        .malformed,
        "The mask has \(coverage.count) bytes for \(width)x\(height) pixels. Write the recipe again.")
    }
    guard coverage.contains(where: { $0 >= 128 }) else {
      throw InputError(
        .outOfRange, "The mask is black everywhere, so nothing could change. Paint the region to edit white.")
    }
  }

  /// Returns the mask at the latent's size.
  ///
  /// A mask of the source's size is cropped and fitted like the source. A mask of another size is scaled to the
  /// model's input.
  ///
  /// - Returns: Height x width, each value the share of the latent pixel that may change, from 0 to 1; only 0 or 1
  ///   with a hard edge.
  /// - Throws: `InputError` if nothing could change because the region is too small or was cropped away.
  func latentMask(height rows: Int, width columns: Int, inversion: Inversion) throws -> Tensor {
    try validate()
    let part = shownPart(of: inversion)
    let values = map.blurred(radius: Int((softEdge / 2).rounded())).values
    let cell = (width: part.width / Double(columns), height: part.height / Double(rows))
    let mask = Tensor(shape: [rows, columns]) { mask in
      for row in 0..<rows {
        for column in 0..<columns {
          let share = mean(
            of: values, x: part.x + Double(column) * cell.width, y: part.y + Double(row) * cell.height, cell)
          mask[row * columns + column] = softEdge > 0 ? share : share >= 0.5 ? 1 : 0
        }
      }
    }
    guard mask.withScalars({ $0.contains { $0 > 0 } }) else {
      throw InputError(
        .outOfRange,
        "The mask leaves nothing to change in the inverted part of the image, where one latent pixel covers "
          + "\(Int(cell.width.rounded(.up)))x\(Int(cell.height.rounded(.up))) pixels of the mask. Paint a larger "
          + "region white, or give it a soft edge.")
    }
    return mask
  }

  /// Returns the rectangle of the mask, in its pixels, that the model's input shows; it exceeds the mask where the
  /// source was padded.
  private func shownPart(of inversion: Inversion) -> (x: Double, y: Double, width: Double, height: Double) {
    let own = PixelSize(width: width, height: height)
    guard own == inversion.sourceSize else { return (0, 0, Double(width), Double(height)) }
    let crop = inversion.crop
    let part = (Double(crop.x), Double(crop.y), Double(crop.width), Double(crop.height))
    guard inversion.options.framing.fit, let size = inversion.pictureSize else { return part }
    let area = PixelRect.fitting(crop, inWidth: size.width, height: size.height)
    let scale = (x: part.2 / Double(area.width), y: part.3 / Double(area.height))
    return (
      part.0 - Double(area.x) * scale.x, part.1 - Double(area.y) * scale.y, Double(size.width) * scale.x,
      Double(size.height) * scale.y
    )
  }

  private func mean(of values: [Float], x: Double, y: Double, _ cell: (width: Double, height: Double))
    -> Float
  {
    let columns = Self.range(from: x, cell.width, within: width)
    let rows = Self.range(from: y, cell.height, within: height)
    var sum: Float = 0
    for row in rows { for column in columns { sum += values[row * width + column] } }
    return sum / Float(rows.count * columns.count)
  }

  /// Returns the pixels of a cell along one axis; for a cell outside the mask, the nearest pixel.
  private static func range(from start: Double, _ length: Double, within count: Int) -> Range<Int> {
    let first = min(max(0, Int(start)), count - 1)
    return first..<max(first + 1, min(count, Int((start + length).rounded())))
  }

  /// The coverage as values from 0 to 1.
  var map: PixelMap {
    PixelMap(width: width, height: height, values: coverage.map { Float($0) / 255 })
  }
}
