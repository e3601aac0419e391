import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Edit masks") struct EditMaskTests {
  /// A black image with a white rectangle.
  private func picture(_ width: Int, _ height: Int, white: PixelRect) -> RGBImage {
    var picture = RGBImage(width: width, height: height, filledWith: SIMD3(repeating: 0))
    for y in white.y..<white.y + white.height {
      for x in white.x..<white.x + white.width { picture[x, y] = SIMD3(repeating: 255) }
    }
    return picture
  }

  /// An inversion of a part of an image of the given size.
  private func inversion(of size: PixelSize, _ crop: PixelRect) throws -> Inversion {
    var inversion = try Inversion.made()
    (inversion.sourceSize, inversion.crop) = (size, crop)
    return inversion
  }

  @Test("a mask of the photo's size is cropped like the photo")
  func cropped() throws {
    let inversion = try inversion(
      of: PixelSize(width: 40, height: 32), PixelRect(x: 4, y: 0, width: 32, height: 32))
    let mask = try EditMask(picture(40, 32, white: PixelRect(x: 12, y: 8, width: 8, height: 12)))
    let found = try mask.latentMask(height: 8, width: 8, inversion: inversion)
    #expect(found.shape == [8, 8])
    for row in 0..<8 {
      for column in 0..<8 {
        #expect(found[row, column] == ((2..<5).contains(row) && (2..<4).contains(column) ? 1 : 0))
      }
    }
  }

  @Test("a mask of another size covers the inverted part", arguments: [8, 16, 32, 64])
  func whole(side: Int) throws {
    let inversion = try inversion(
      of: PixelSize(width: 40, height: 32), PixelRect(x: 4, y: 0, width: 32, height: 32))
    let unit = side / 8
    let white = PixelRect(x: 5 * unit, y: unit, width: 3 * unit, height: 2 * unit)
    let found = try EditMask(picture(side, side, white: white)).latentMask(
      height: 8, width: 8, inversion: inversion)
    for row in 0..<8 {
      for column in 0..<8 { #expect(found[row, column] == ((1..<3).contains(row) && column >= 5 ? 1 : 0)) }
    }
  }

  @Test("a mask smaller than the latent, or with another aspect ratio, is stretched to the latent")
  func small() throws {
    let inversion = try inversion(
      of: PixelSize(width: 64, height: 64), PixelRect(x: 0, y: 0, width: 64, height: 64))
    let mask = try EditMask(picture(2, 4, white: PixelRect(x: 1, y: 0, width: 1, height: 1)))
    let found = try mask.latentMask(height: 8, width: 8, inversion: inversion)
    for row in 0..<8 {
      for column in 0..<8 { #expect(found[row, column] == (row < 2 && column >= 4 ? 1 : 0)) }
    }
  }

  @Test("with a hard edge, a latent pixel may change if at least half of its area may")
  func hardEdge() throws {
    let inversion = try inversion(
      of: PixelSize(width: 16, height: 16), PixelRect(x: 0, y: 0, width: 16, height: 16))
    for (width, marked) in [(1, 0), (2, 1), (3, 1), (4, 1), (5, 1), (6, 2)] {
      let white = PixelRect(x: 0, y: 0, width: width, height: 16)
      let mask = try EditMask(picture(16, 16, white: white))
      guard marked > 0 else {
        let error = try inputError { try mask.latentMask(height: 4, width: 4, inversion: inversion) }
        #expect(error?.kind == .outOfRange && error?.message.contains("4x4") == true)
        continue
      }
      let found = try mask.latentMask(height: 4, width: 4, inversion: inversion)
      #expect((0..<4).map { found[2, $0] } == (0..<4).map { $0 < marked ? 1 : 0 }, "\(width)")
    }
  }

  @Test(
    "a soft edge is three box blurs, and each latent pixel is the mean of its area",
    arguments: [1, 3, 6])
  func softEdge(edge: Double) throws {
    let white = PixelRect(x: 10, y: 6, width: 12, height: 20)
    let inversion = try inversion(
      of: PixelSize(width: 40, height: 32), PixelRect(x: 4, y: 0, width: 32, height: 32))
    let found = try EditMask(picture(40, 32, white: white), softEdge: edge)
      .latentMask(height: 8, width: 8, inversion: inversion)

    var values = (0..<32).map { y in (0..<40).map { x in white.fits(x, y) ? 1.0 : 0 } }
    let radius = Int((edge / 2).rounded())
    for _ in 0..<3 {
      values = (0..<32).map { y in
        (0..<40).map { x in
          let columns = max(0, x - radius)...min(39, x + radius)
          let rows = max(0, y - radius)...min(31, y + radius)
          let sum = rows.reduce(0.0) { sum, row in columns.reduce(sum) { $0 + values[row][$1] } }
          return sum / Double(rows.count * columns.count)
        }
      }
    }
    let expected = (0..<8).flatMap { row in
      (0..<8).map { column in
        var sum = 0.0
        for y in 4 * row..<4 * row + 4 { for x in 4 * column + 4..<4 * column + 8 { sum += values[y][x] } }
        return Float(sum / 16)
      }
    }
    expectClose(found, Tensor(expected, shape: [8, 8]), relative: 1e-5)
    #expect(found.scalars.contains { $0 > 0.01 && $0 < 0.99 })
    #expect(found.scalars.allSatisfy { (0...1).contains($0) })
  }

  @Test("if pixels do not divide evenly, the mask is within one pixel's width of the exact one")
  func uneven() throws {
    var random = SplitMix(seed: 2)
    for _ in 0..<40 {
      let size = PixelSize(
        width: .random(in: 20...90, using: &random), height: .random(in: 20...90, using: &random))
      let crop = PixelRect(x: 0, y: 0, width: size.width, height: size.height).centralPart(ofAspect: 1, 1)
      let inversion = try inversion(of: size, crop)
      let left = crop.x + crop.width / 3
      let white = PixelRect(x: left, y: 0, width: size.width - left, height: size.height)
      let found = try EditMask(picture(size.width, size.height, white: white))
        .latentMask(height: 8, width: 8, inversion: inversion)
      let cell = Double(crop.width) / 8
      for column in 0..<8 {
        let middle = Double(crop.x) + (Double(column) + 0.5) * cell
        if abs(middle - Double(left)) > 1 {
          for row in 0..<8 { #expect(found[row, column] == (middle > Double(left) ? 1 : 0)) }
        }
      }
    }
  }

  @Test("colors are converted to luma")
  func colors() throws {
    var picture = RGBImage(width: 4, height: 1, filledWith: SIMD3(repeating: 255))
    (picture[0, 0], picture[1, 0], picture[2, 0]) = (SIMD3(255, 0, 0), SIMD3(0, 255, 0), SIMD3(0, 0, 255))
    let coverage = try EditMask(picture).coverage
    #expect(Array(coverage) == [76, 149, 29, 255])
  }

  @Test("a mask that allows no change is rejected")
  func black() throws {
    func kind(_ picture: RGBImage, softEdge: Double = 0) throws -> InputError.Kind? {
      try inputError { try EditMask(picture, softEdge: softEdge) }?.kind
    }
    #expect(try kind(RGBImage(width: 9, height: 9, filledWith: SIMD3(repeating: 0))) == .outOfRange)
    #expect(try kind(RGBImage(width: 9, height: 9, filledWith: SIMD3(repeating: 127))) == .outOfRange)
    #expect(try kind(RGBImage(width: 9, height: 9, filledWith: SIMD3(repeating: 128))) == nil)
    for edge in [-1, 1025, .nan, .infinity] {
      #expect(try kind(RGBImage(width: 9, height: 9), softEdge: edge) == .outOfRange)
    }
    // White, but only where the photo was cropped away.
    let cutOff = try EditMask(picture(40, 32, white: PixelRect(x: 0, y: 0, width: 4, height: 32)))
    let inversion = try inversion(
      of: PixelSize(width: 40, height: 32), PixelRect(x: 4, y: 0, width: 32, height: 32))
    #expect(
      try inputError { try cutOff.latentMask(height: 8, width: 8, inversion: inversion) }?.kind == .outOfRange
    )
  }

  @Test(
    "a mask in a recipe is validated before use",
    arguments: [
      #"{"width":2,"height":2,"coverage":"/////w==","softEdge":0}"#: nil,
      #"{"width":2,"height":2,"coverage":"////","softEdge":0}"#: .malformed,
      #"{"width":0,"height":0,"coverage":"","softEdge":0}"#: .malformed,
      #"{"width":-2,"height":-2,"coverage":"/////w==","softEdge":0}"#: .malformed,
      #"{"width":4611686018427387904,"height":4,"coverage":"","softEdge":0}"#: .malformed,
      #"{"width":2,"height":2,"coverage":"AAAAAA==","softEdge":0}"#: .outOfRange,
      #"{"width":2,"height":2,"coverage":"/////w==","softEdge":1e300}"#: .outOfRange,
      #"{"width":2,"height":2,"coverage":"/////w==","softEdge":-1}"#: .outOfRange,
    ] as [String: InputError.Kind?])
  func recipe(json: String, kind: InputError.Kind?) throws {
    let options = try JSONDecoder().decode(EditOptions.self, from: Data(#"{"mask":\#(json)}"#.utf8))
    #expect(try inputError { try options.validate() }?.kind == kind)
    let found = try inputError {
      try options.mask?.latentMask(height: 2, width: 2, inversion: Inversion.made())
    }
    #expect(found?.kind == kind)
  }

  @Test(
    "outside the mask, every latent of an edit equals the source's bit for bit; a white mask has no effect")
  func editing() throws {
    let small = try SmallInversion()
    let inversion = try small.inversion(for: .ddim)
    func latents(_ mask: EditMask?) throws -> [Tensor] {
      var options = EditOptions()
      options.mask = mask
      return try EditSampler(
        model: small.model, source: SourceBranch(inversion, byteLimit: 1 << 30), progress: nil
      )
      .sample(["a dog on the mat"], options: options)[0].latents
    }
    let free = try latents(nil)
    #expect(try latents(EditMask(RGBImage(width: 8, height: 8))) == free)
    let masked = try latents(EditMask(picture(8, 8, white: PixelRect(x: 3, y: 2, width: 2, height: 4))))
    #expect(masked[4] != inversion.trajectory[4])
    for (latent, source) in zip(masked, inversion.trajectory) {
      for row in 0..<8 {
        for column in 0..<8 where !((2..<6).contains(row) && (3..<5).contains(column)) {
          #expect(latent[row][column].bits == source[row][column].bits)
        }
      }
    }
  }
}

extension PixelRect {
  fileprivate func fits(_ x: Int, _ y: Int) -> Bool {
    (self.x..<self.x + width).contains(x) && (self.y..<self.y + height).contains(y)
  }
}
