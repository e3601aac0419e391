import EmojiScenes
import Foundation
import TestSupport
import Testing

@testable import DiffusionCore

@Suite("Framings") struct FramingTests {
  /// The sizes of Stable Diffusion 1 and 2, and of the demo model.
  static let sizes = [
    PictureSizes(own: PixelSize(width: 512, height: 512), unit: 64),
    PictureSizes(own: PixelSize(width: 768, height: 768), unit: 64),
    PictureSizes(own: PixelSize(width: 128, height: 128), unit: 32),
  ]

  @Test(
    "automatic sizes are multiples of the unit, with about the model's pixel count and the picture's aspect ratio",
    arguments: zip(sizes, [(cut: 0.08, fewest: 0.8, most: 1.25), (0.05, 0.85, 1.2), (0.14, 0.6, 1.5)]))
  func automatic(sizes: PictureSizes, bound: (cut: Double, fewest: Double, most: Double)) throws {
    for step in -60...60 {
      let proportion = pow(3, Double(step) / 60)
      let picture = PixelSize(
        width: Int((3000 * proportion.squareRoot()).rounded()),
        height: Int((3000 / proportion.squareRoot()).rounded()))
      let size = sizes.automatic(for: picture)
      #expect(size.width % sizes.unit == 0 && size.height % sizes.unit == 0)
      let share = Double(size.width * size.height) / Double(sizes.own.width * sizes.own.height)
      #expect((bound.fewest...bound.most).contains(share), "\(picture) as \(size)")
      let found = Double(size.width * picture.height) / Double(size.height * picture.width)
      #expect(1 - min(found, 1 / found) <= bound.cut, "\(picture) as \(size)")
      #expect(throws: Never.self) { try sizes.check(size) }
      let turned = sizes.automatic(for: PixelSize(width: picture.height, height: picture.width))
      #expect(turned == PixelSize(width: size.height, height: size.width))
    }
  }

  @Test("common aspect ratios have plausible sizes")
  func usual() {
    let found = [(3, 2), (4, 3), (16, 9), (2, 1), (3, 1), (640, 427), (10, 1), (1, 1), (4032, 4032)].map {
      Self.sizes[0].automatic(for: PixelSize(width: $0.0, height: $0.1)).description
    }
    #expect(
      found == [
        "576x384", "576x448", "704x384", "768x384", "960x320", "576x384", "960x320", "512x512", "512x512",
      ])
  }

  @Test("the unit is the autoencoder's factor times two per downsampling of the UNet")
  func unit() throws {
    let models = try ["four-levels", "linear-v", "plain-first", "sharded"].map {
      try ModelConfiguration(Checkpoint(.directory(Fixtures.url("models/\($0)"))))
    }
    #expect(models.map(\.sizeUnit) == [16, 16, 8, 4])
    let bundled = try ModelConfiguration(Checkpoint(EmojiScenes.folder()))
    #expect(bundled.sizeUnit == 32 && bundled.pictureSize == PixelSize(width: 128, height: 128))
  }

  @Test(
    "the error for an unsupported size names the nearest sizes",
    arguments: [
      ("500x300", "multiples of 64", "512x320 and 448x320"), ("64x64", "too far", "256x256"),
      ("8192x64", "4 : 1", "1536x384 and 1280x320"), ("1x1", "multiples of 64", "256x256"),
      ("4096x4096", "too far", "1024x1024"),
    ])
  func refused(size: String, reason: String, nearest: String) throws {
    let size = try #require(PixelSize(size))
    let error = try #require(throws: InputError.self) { try Self.sizes[0].check(size) }
    #expect(error.kind == .outOfRange)
    #expect(error.message.contains(reason) && error.message.contains(nearest), "\(error.message)")
    #expect(throws: Never.self) { try Self.sizes[0].check(PixelSize(width: 768, height: 512)) }
  }

  @Test("the model's own size is supported even if it is not a multiple of the unit")
  func own() {
    let sizes = PictureSizes(own: PixelSize(width: 24, height: 20), unit: 16)
    #expect(throws: Never.self) { try sizes.check(sizes.own) }
    #expect(sizes.automatic(for: PixelSize(width: 240, height: 200)) == sizes.own)
  }

  @Test(
    "the automatic framing of a square picture is that of the published method", arguments: [128, 300, 17])
  func square(side: Int) throws {
    let picture = noisePicture(side, side)
    let (square, auto) = try (prepared(picture, .square), prepared(picture, .auto))
    #expect(auto.image == square.image && auto.crop == square.crop)
    #expect(square.fingerprint == auto.fingerprint)
    let published = try picture.prepared(width: 128, height: 128)
    #expect(square.image == published.image && square.crop == published.crop)
  }

  @Test("the center with the aspect ratio of the size is used, inside the crop if there is one")
  func crops() throws {
    let picture = noisePicture(300, 200)
    func shown(_ framing: Framing) throws -> [String] {
      let prepared = try prepared(picture, framing)
      return [prepared.size.description, prepared.crop.description]
    }
    let wide = Framing(.pixels(PixelSize(width: 192, height: 96)))
    #expect(try shown(wide) == ["192x96", "0,25,300,150"])
    #expect(try shown(.square) == ["128x128", "50,0,200,200"])
    #expect(try shown(.auto) == ["192x128", "0,0,300,200"])
    let crop = PixelRect(x: 30, y: 20, width: 160, height: 80)
    #expect(try shown(Framing(.auto, crop: crop)) == ["192x96", "30,20,160,80"])
    #expect(try shown(Framing(.square, crop: crop)) == ["128x128", "70,20,80,80"])
    let exact = PixelRect(x: 30, y: 20, width: 192, height: 96)
    #expect(try prepared(picture, Framing(.auto, crop: exact)).image == picture.cropped(to: exact))
    for crop in [
      PixelRect(x: 200, y: 0, width: 101, height: 50), PixelRect(x: 0, y: 0, width: 8, height: 90),
    ] {
      let error = #expect(throws: InputError.self) { try prepared(picture, Framing(.auto, crop: crop)) }
      #expect(error?.kind == .outOfRange)
    }
  }

  @Test("a fitted picture is whole, centered, and padded by repeating its edges")
  func fitted() throws {
    let picture = noisePicture(64, 32)
    let prepared = try prepared(picture, Framing(.square, fit: true))
    #expect(prepared.crop == picture.bounds && prepared.size.description == "128x128")
    let inner = picture.resized(width: 128, height: 64)
    #expect(try prepared.image.cropped(to: PixelRect(x: 0, y: 32, width: 128, height: 64)) == inner)
    for x in 0..<128 {
      for y in 0..<32 { #expect(prepared.image[x, y] == inner[x, 0]) }
      for y in 96..<128 { #expect(prepared.image[x, y] == inner[x, 63]) }
    }
    #expect(
      PixelRect.fitting(PixelRect(x: 9, y: 9, width: 3, height: 5), inWidth: 64, height: 64).description
        == "13,0,38,64")
    // The aspect ratio is that of the size, so there is no padding.
    let wide = try self.prepared(picture, Framing(.pixels(PixelSize(width: 128, height: 64)), fit: true))
    #expect(wide.image == inner)
  }

  @Test("descriptions of sizes can be parsed", arguments: ["square", "auto", "768x512"])
  func text(size: String) throws {
    #expect(try #require(Framing.Size(size)).description == size)
    for wrong in ["", "768", "768x", "0x5", "768x512x3", "-4x4"] { #expect(Framing.Size(wrong) == nil) }
  }

  private func prepared(_ picture: RGBImage, _ framing: Framing) throws -> PreparedPicture {
    try PreparedPicture(of: picture, framing: framing, sizes: Self.sizes[2])
  }
}

@Suite("Attentions at other sizes") struct NominalSiteTests {
  @Test("have the grids of the model's own size and of the picture's size")
  func nominal() throws {
    let unet: UNetConfiguration = try Checkpoint(EmojiScenes.folder()).configuration(of: .unet)
    let own = unet.attentionSites(height: 16, width: 16)
    let wide = unet.attentionSites(height: 12, width: 24)
    #expect(own.allSatisfy { $0.nominalHeight == $0.height && $0.nominalWidth == $0.width })
    for (site, other) in zip(wide, own) {
      #expect(site.nominalHeight == other.height && site.nominalWidth == other.width)
      #expect(site.width == 2 * site.height && site.height * 16 == 12 * other.height)
    }
  }
}
