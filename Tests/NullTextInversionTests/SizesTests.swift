import EmojiScenes
import Foundation
import Tensor
import TestSupport
import Testing

@testable import DiffusionCore
@testable import NullTextInversion

@Suite("Images that are not square") struct SizesTests {
  /// A gradient image, wider than high.
  private static let photo: RGBImage = {
    var picture = RGBImage(width: 90, height: 60)
    for y in 0..<60 {
      for x in 0..<90 {
        picture[x, y] = SIMD3(UInt8(2 * x), UInt8(4 * y), (x / 9 + y / 9) % 2 == 0 ? 210 : 30)
      }
    }
    return picture
  }()

  private func inverted(
    _ source: ModelSource, framing: Framing, _ photo: RGBImage = photo, files: InversionFiles? = nil
  ) async throws -> (editor: ImageEditor, image: InvertedImage) {
    let editor = try await ImageEditor(model: source)
    var options = InversionOptions(method: .direct)
    (options.steps, options.guidance, options.framing) = (3, 3, framing)
    return (
      editor,
      try await editor.invert(image: photo, caption: "a cat on the mat", options: options, files: files)
    )
  }

  private static let models =
    ["sharded", "linear-v", "four-levels", "plain-first"].map {
      ModelSource.directory(Fixtures.url("models/\($0)"))
    } + [.emojiScenes]

  @Test(
    "non-square images are inverted, edited with a blend and a mask, and mapped at their own size",
    arguments: models)
  func edited(source: ModelSource) async throws {
    let (editor, inverted) = try await inverted(source, framing: .auto)
    let inversion = inverted.inversion
    let size = try #require(inversion.pictureSize)
    #expect(size.width > size.height && size.width.isMultiple(of: editor.model.configuration.sizeUnit))
    let (height, width, channels) = inversion.latent.shape3
    let factor = editor.model.configuration.autoencoder.downsamplingFactor
    #expect(size == PixelSize(width: factor * width, height: factor * height))

    // The mask is the left half of the photo.
    var white = RGBImage(width: 90, height: 60, filledWith: SIMD3(repeating: 0))
    for y in 0..<60 { for x in 0..<45 { white[x, y] = SIMD3(repeating: 255) } }
    var options = EditOptions()
    options.blend = LocalBlend("cat", "dog")
    options.mask = try EditMask(white)
    let (edit, maps) = try await inverted.attentionMaps(prompt: "a dog on the mat", options: options)
    #expect(PixelSize(width: edit.image.width, height: edit.image.height) == size)
    let found = try #require(edit.mask)
    #expect(found.width == size.width && found.height == size.height)
    let last = try #require(edit.latents.last)
    let source = inversion.trajectory[inversion.stepCount]
    #expect(last.shape == source.shape && last != source)
    for row in 0..<height {
      for column in 0..<width where 2 * column >= width {
        let place = (row * width + column) * channels
        #expect(last.scalars[place] == source.scalars[place])
      }
    }
    let map = try maps.map(of: "dog")
    #expect(map.shape[1] * height == map.shape[0] * width)
    #expect(try maps.overlay(of: "dog", on: edit.image).width == size.width)
    #expect(maps.selfGrids.allSatisfy { $0.width * height == $0.height * width })
    let reopened = try editor.open(inversion)
    #expect(try await reopened.reconstruction() == inverted.reconstruction())
  }

  @Test("a larger image keeps self-attention at the same levels as a square one")
  func levels() throws {
    let unet: UNetConfiguration = try Checkpoint(EmojiScenes.folder()).configuration(of: .unet)
    let words = try PromptWords(CLIPTokenizer(Checkpoint(EmojiScenes.folder())).encode("a cat"))
    func kept(_ height: Int, _ width: Int, _ policy: any EditingPolicy) throws -> [Int] {
      let sites = unet.attentionSites(height: height, width: width)
      let run = try policy.begin(
        EditScene(source: words, target: words, stepCount: 10, textLength: 77, sites: sites))
      return sites.filter { !$0.isCross && run.role(at: $0, in: .conditional, step: 2) == .readsSource }
        .map(\.index)
    }
    for side in [4, 8, 16] {
      let policies: [any EditingPolicy] = [PromptToPrompt(selfGrid: side), MasaCtrl(largestGrid: side)]
      for policy in policies {
        let square = try kept(16, 16, policy)
        #expect(!square.isEmpty)
        for (height, width) in [(12, 24), (24, 16), (32, 32)] {
          #expect(try kept(height, width, policy) == square)
        }
      }
    }
    let sites = unet.attentionSites(height: 12, width: 24)
    let grid = try LocalBlendGrid(width: 16, sites: sites)
    #expect(grid == LocalBlendGrid(height: 12, width: 24))
    #expect(try LocalBlendGrid(width: 8, sites: sites) == LocalBlendGrid(height: 6, width: 12))
    #expect(throws: InputError.self) { try LocalBlendGrid(width: 24, sites: sites) }
  }

  @Test("a finished or unfinished inversion with another framing is not reused")
  func otherFraming() async throws {
    let folder = try ScratchFolder()
    let files = InversionFiles(result: folder("a.nti"), partial: folder("a.partial"), reusesResult: true)
    let source = Self.models[0]
    let first = try await inverted(source, framing: .auto, files: files).image
    #expect(try Inversion(contentsOf: folder("a.nti")) == first.inversion)
    let again = try await inverted(source, framing: .auto, files: files).image
    #expect(again.evaluations.forward == 0)
    let square = try await inverted(source, framing: .square, files: files).image
    #expect(square.evaluations.forward > 0 && square.inversion.crop.width == 60)

    let old = InversionArguments(of: first.inversion)
    let new = InversionArguments(of: square.inversion)
    #expect(
      old.difference(from: new) == "another part or size of the picture (size auto instead of size square)")
    var unfinished = UnfinishedInversion(first.inversion)
    unfinished.inversion.nullEmbeddings.removeLast()
    unfinished.inversion.trajectory.removeLast()
    unfinished.inversion.losses.removeLast()
    unfinished.inversion.innerSteps.removeLast()
    try unfinished.write(to: folder("a.partial"))
    let error = await #expect(throws: InputError.self) {
      _ = try await inverted(
        source, framing: .square, files: InversionFiles(result: nil, partial: folder("a.partial")))
    }
    #expect(error?.kind == .mismatch && error?.message.contains("size auto instead of size square") == true)
  }

  @Test(
    "for a square photo, the automatic size gives the published inversion and reuses a finished one"
  )
  func square() async throws {
    let folder = try ScratchFolder()
    let files = InversionFiles(result: folder("a.nti"), reusesResult: true)
    let photo = try Self.photo.cropped(to: PixelRect(x: 0, y: 0, width: 60, height: 60))
    let auto = try await inverted(Self.models[0], framing: .auto, photo).image.inversion
    let square = try await inverted(Self.models[0], framing: .square, photo, files: files).image.inversion
    #expect(auto.pivots == square.pivots && auto.trajectory == square.trajectory)
    #expect(auto.crop == square.crop && auto.pictureFingerprint == square.pictureFingerprint)
    let again = try await inverted(Self.models[0], framing: .auto, photo, files: files).image
    #expect(again.evaluations.forward == 0)
  }

  @Test("a mask of the source's size is aligned with the fitted source")
  func fittedMask() throws {
    var inversion = try Inversion.made()
    inversion.sourceSize = PixelSize(width: 64, height: 32)
    inversion.crop = PixelRect(x: 0, y: 0, width: 64, height: 32)
    inversion.pictureSize = PixelSize(width: 32, height: 32)
    inversion.options.framing = Framing(.square, fit: true)
    // The upper right quarter of the source, which covers rows 8 to 23 of 32.
    var picture = RGBImage(width: 64, height: 32, filledWith: SIMD3(repeating: 0))
    for y in 0..<16 { for x in 32..<64 { picture[x, y] = SIMD3(repeating: 255) } }
    let mask = try EditMask(picture).latentMask(height: 8, width: 8, inversion: inversion)
    for row in 0..<8 {
      // The rows above the source repeat its edge, as in the image.
      for column in 0..<8 { #expect(mask[row, column] == (row < 4 && column >= 4 ? 1 : 0)) }
    }
  }

  @Test("an inversion whose latents do not have its image's size is rejected")
  func shapes() async throws {
    let (editor, image) = try await inverted(Self.models[0], framing: .auto)
    var inversion = image.inversion
    inversion.pictureSize?.width += 4
    #expect(throws: InputError.self) { try editor.open(inversion) }
    // Files of older versions have no image size.
    inversion.pictureSize = nil
    #expect(throws: Never.self) { try editor.open(inversion) }
  }

  @Test("images are generated at the requested size")
  func generated() async throws {
    let editor = try await ImageEditor(model: Self.models[0])
    let size = PixelSize(width: 24, height: 12)
    let picture = try await editor.generate(prompt: "a cat", options: GenerationOptions(steps: 2, size: size))
    #expect(picture.width == 24 && picture.height == 12)
    let error = await #expect(throws: InputError.self) {
      _ = try await editor.generate(
        prompt: "a cat", options: GenerationOptions(steps: 2, size: PixelSize(width: 23, height: 12)))
    }
    #expect(error?.kind == .outOfRange)
    let stored = try JSONDecoder().decode(
      GenerationOptions.self, from: JSONEncoder().encode(GenerationOptions(size: size)))
    #expect(stored.size == size)
  }
}
