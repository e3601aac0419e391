import Foundation
import Tensor
import TestSupport
import Testing

@testable import DiffusionCore
@testable import NullTextInversion

@Suite("Pasting an edit into its photo") struct PasteTests {
  private func inverted(_ photo: RGBImage, _ framing: Framing = .auto) async throws -> InvertedImage {
    let editor = try await ImageEditor(model: .directory(Fixtures.url("models/sharded")))
    var options = InversionOptions(method: .negativePrompt())
    (options.steps, options.guidance, options.framing) = (3, 3, framing)
    return try await editor.invert(image: photo, caption: "a cat on the mat", options: options)
  }

  static let cases: [(width: Int, height: Int, framing: Framing)] = [
    (90, 60, .auto), (91, 61, .auto), (60, 91, .square), (91, 60, .square),
    (33, 20, Framing(.square, fit: true)),
    (20, 37, Framing(.square, fit: true)),
    (64, 48, Framing(.auto, crop: PixelRect(x: 5, y: 7, width: 41, height: 32))),
  ]

  @Test("the photo is unchanged where the mask is black and outside the crop", arguments: cases)
  func outside(width: Int, height: Int, framing: Framing) async throws {
    let photo = noisePicture(width, height)
    let inverted = try await inverted(photo, framing)
    var white = RGBImage(width: width, height: height, filledWith: SIMD3(repeating: 0))
    for y in 0..<height { for x in 0..<width / 2 { white[x, y] = SIMD3(repeating: 255) } }
    var options = EditOptions()
    options.mask = try EditMask(white)
    options.promptToPrompt?.crossSteps = 0
    options.promptToPrompt?.selfSteps = 0
    options.guidance = 9
    let edit = try await inverted.edit(prompt: "a dog under the moon", options: options)
    let pasted = try await edit.pasted(into: photo)
    #expect(pasted.width == width && pasted.height == height)
    let crop = inverted.inversion.crop
    // The soft edge extends three pixels of the model's image, and linear interpolation one more.
    let shown = PixelRect.fitting(crop, inWidth: edit.image.width, height: edit.image.height)
    let scale = Double(crop.width) / Double(framing.fit ? shown.width : edit.image.width)
    let reach = Int((5 * scale + 2 * scale).rounded(.up))
    var changed = 0
    for y in 0..<height {
      for x in 0..<width where pasted[x, y] != photo[x, y] {
        changed += 1
        #expect(x >= crop.x && y >= crop.y && x < crop.x + crop.width && y < crop.y + crop.height)
        #expect(x < width / 2 + reach)
      }
    }
    #expect(changed > 0)
  }

  @Test("an edit with the caption returns the photo byte for byte", arguments: cases)
  func identity(width: Int, height: Int, framing: Framing) async throws {
    let photo = noisePicture(width, height)
    let inverted = try await inverted(photo, framing)
    let edit = try await inverted.edit(prompt: "a cat on the mat")
    #expect(try await edit.pasted(into: photo) == photo)
    var options = EditOptions()
    options.blend = LocalBlend("cat", "cat")
    let blended = try await inverted.edit(prompt: "a cat on the mat", options: options)
    #expect(try await blended.pasted(into: photo) == photo)
  }

  @Test("another photo, of another size or of the same size, is rejected")
  func otherPhoto() async throws {
    let photo = noisePicture(90, 60)
    let edit = try await inverted(photo).edit(prompt: "a dog on the mat")
    var changed = photo
    for y in 20..<40 { for x in 20..<40 { changed[x, y] = SIMD3(1, 2, 3) } }
    for other in [changed, noisePicture(90, 61), noisePicture(60, 90)] {
      let error = await #expect(throws: InputError.self) { _ = try await edit.pasted(into: other) }
      #expect(error?.kind == .mismatch)
    }
  }

  @Test("an edit of an edit is rejected, because the first edit would be lost")
  func chain() async throws {
    let photo = noisePicture(90, 60)
    var options = EditOptions()
    options.promptToPrompt?.crossSteps = 0
    options.promptToPrompt?.selfSteps = 0
    options.guidance = 12
    let first = try await inverted(photo).edit(prompt: "a dog under the moon", options: options)
    let second = try await first.inverted.edit(prompt: "a fox under the moon")
    let error = await #expect(throws: InputError.self) { _ = try await second.pasted(into: photo) }
    #expect(error?.kind == .mismatch && error?.message.contains("of an edit") == true)
  }

  // The effects of the weights are tested with synthetic images.

  private func paste(_ edited: RGBImage, _ old: RGBImage, _ photo: RGBImage, region: PixelMap? = nil) throws
    -> RGBImage
  {
    try PastedEdit(
      edited: edited, reconstruction: old, region: region, area: edited.bounds, crop: photo.bounds, grain: 4
    ).pasted(into: photo)
  }

  /// Returns stripes along x or y.
  private func stripes(_ size: Int, alongX: Bool, _ low: UInt8, _ high: UInt8) -> RGBImage {
    var picture = RGBImage(width: size, height: size)
    for y in 0..<size {
      for x in 0..<size { picture[x, y] = SIMD3(repeating: (alongX ? x : y) / 4 % 2 == 0 ? low : high) }
    }
    return picture
  }

  @Test("the photo's fine detail is kept where only colors changed")
  func recolored() throws {
    let old = stripes(64, alongX: true, 80, 140)
    let new = stripes(64, alongX: true, 110, 170)
    var photo = old.resized(width: 128, height: 128)
    for i in photo.bytes.indices { photo.bytes[i] += UInt8(i / 3 % 7) }
    let pasted = try paste(new, old, photo)
    let wanted = zip(
      photo.bytes, zip(new.resized(width: 128, height: 128).bytes, old.resized(width: 128, height: 128).bytes)
    )
    .map { Int($0) + Int($1.0) - Int($1.1) }
    #expect(zip(pasted.bytes, wanted).allSatisfy { abs(Int($0) - $1) <= 1 })
  }

  @Test("no detail of the old object is kept where its structure is gone, within the region only")
  func replaced() throws {
    let (old, new) = (stripes(64, alongX: true, 40, 200), stripes(64, alongX: false, 60, 220))
    var photo = old
    for i in photo.bytes.indices { photo.bytes[i] += UInt8(i / 3 % 7) }
    #expect(try paste(new, old, photo) == new)
    let left = PixelMap(width: 64, height: 64, values: (0..<64 * 64).map { $0 % 64 < 32 ? 1 : 0 })
    let half = try paste(new, old, photo, region: left)
    for y in 0..<64 {
      for x in 0..<64 where x < 26 { #expect(half[x, y] == new[x, y]) }
      for x in 0..<64 where x >= 38 { #expect(half[x, y] == photo[x, y]) }
    }
  }

  @Test("no detail of the old object is kept in a flat area of a replaced object")
  func even() throws {
    var (old, new) = (stripes(64, alongX: true, 40, 200), stripes(64, alongX: false, 60, 220))
    var photo = old
    for y in 24..<40 {
      for x in 24..<40 {
        old[x, y] = SIMD3(repeating: 100)
        new[x, y] = SIMD3(repeating: 160)
        photo[x, y] = SIMD3(repeating: x % 2 == 0 ? 90 : 110)
      }
    }
    #expect(try paste(new, old, photo) == new)
  }

  @Test("unwanted color drift is left out unless a mask includes it")
  func drift() throws {
    let old = stripes(64, alongX: true, 80, 140)
    let new = stripes(64, alongX: true, 84, 144)
    #expect(try paste(new, old, old) == old)
    let all = PixelMap(width: 64, height: 64, values: Array(repeating: 1, count: 64 * 64))
    #expect(try paste(new, old, old, region: all) == new)
  }
}

@Suite("Pixel maps") struct PixelMapTests {
  @Test("means are those of the squares around each pixel, clipped at the edges")
  func means() {
    let map = PixelMap(width: 5, height: 4, values: (0..<20).map { Float($0 * $0 % 13) })
    let mean = map.averaged(radius: 1)
    for y in 0..<4 {
      for x in 0..<5 {
        let around = (max(0, y - 1)...min(3, y + 1)).flatMap { row in
          (max(0, x - 1)...min(4, x + 1)).map { map.values[row * 5 + $0] }
        }
        #expect(abs(mean.values[y * 5 + x] - around.reduce(0, +) / Float(around.count)) < 1e-5)
      }
    }
    #expect(map.averaged(radius: 0) == map)
  }

  @Test("a linear slope stays linear when it is enlarged, and zeros stay zero")
  func enlarged() {
    let slope = PixelMap(width: 8, height: 2, values: (0..<16).map { Float($0 % 8) })
    let large = slope.resized(width: 24, height: 5)
    for x in 0..<24 {
      let wanted = max(0, min(7, (Float(x) + 0.5) / 3 - 0.5))
      for y in 0..<5 { #expect(abs(large.values[y * 24 + x] - wanted) < 1e-5) }
    }
    #expect(
      PixelMap(width: 3, height: 3, values: Array(repeating: 0, count: 9)).resized(width: 7, height: 9).values
        .allSatisfy { $0 == 0 })
  }
}
