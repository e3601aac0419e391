public import DiffusionCore
public import Foundation
internal import Tensor

/// A region of a picture that may change; outside it the source stays.
public struct EditMask: Sendable, Hashable, Codable {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int
  /// How far each pixel may change, row by row: 255 freely, 0 not at all.
  public let coverage: Data
  /// Over how many pixels the region fades out; 0 for a hard edge.
  public var softEdge: Double

  /// A mask from a picture: what is white may change, what is black may not.
  ///
  /// - Throws: `InputError` if the picture is black everywhere, or the edge makes no sense.
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

  /// Identifies the region, whatever its edge.
  var fingerprint: String {
    var fingerprint = Fingerprint()
    fingerprint.add("\(width)x\(height)")
    fingerprint.add(coverage)
    return fingerprint.hexadecimal
  }

  /// Refuses what is no mask: a recipe may hold anything.
  func validate() throws {
    guard (0...1024).contains(softEdge) else {
      throw InputError(.outOfRange, "a soft edge of \(softEdge) pixels: ask for 0 to 1024.")
    }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, coverage.count == count else {
      throw InputError(.malformed, "The mask holds \(coverage.count) bytes for \(width)x\(height) pixels.")
    }
    guard coverage.contains(where: { $0 >= 128 }) else {
      throw InputError(
        .outOfRange, "The mask is black everywhere, so nothing could change; paint the region white.")
    }
  }

  /// The mask at the latent's size: for each of its pixels the part that may change.
  ///
  /// A mask of the source's size is cropped and fitted as the source was; any other is taken to cover the picture as the
  /// model saw it.
  ///
  /// - Returns: height x width, between 0 and 1; only 0 and 1 with a hard edge.
  /// - Throws: `InputError` if nothing could change, because the region is too small or was cut off.
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
        "The mask leaves nothing to change in the part of the picture that was inverted, where the model's finest grain "
          + "is \(Int(cell.width.rounded(.up)))x\(Int(cell.height.rounded(.up))) of the mask's pixels; paint a larger "
          + "region white, or give it a soft edge.")
    }
    return mask
  }

  /// What the picture that the model saw covers of the mask, in its pixels; it sticks out where the source was fitted.
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

  /// The pixels of a cell along one axis; of a cell beyond the edge the nearest.
  private static func range(from start: Double, _ length: Double, within count: Int) -> Range<Int> {
    let first = min(max(0, Int(start)), count - 1)
    return first..<max(first + 1, min(count, Int((start + length).rounded())))
  }

  /// The coverage between 0 and 1.
  var map: PixelMap {
    PixelMap(width: width, height: height, values: coverage.map { Float($0) / 255 })
  }
}
