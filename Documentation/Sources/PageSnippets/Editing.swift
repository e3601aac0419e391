import Foundation
import NullTextInversion

func edit(_ files: Files) async throws {
  let outURL = files.result("tiger.png")
  let (inverted, options, photo) = try await invertAndBlend(files)
  try await maskedEdit(inverted, maskURL: try whiteMask(in: files))
  try await severalPrompts(inverted)
  try await editOfEdit(inverted, photo: photo)
  try await variants(inverted, outURL: outURL)
  try await maps(inverted, options: options, overlayURL: outURL, tigerMapURL: files.result("map.png"))
}

private func invertAndBlend(_ files: Files) async throws -> (InvertedImage, EditOptions, RGBImage) {
  let (modelURL, photoURL, outURL) = (files.modelURL, files.photoURL, files.result("tiger.png"))
  let inversionURL = files.result("cat.nti")

  let editor = try await ImageEditor(model: .directory(modelURL))
  let photo = try RGBImage(contentsOf: photoURL)
  let inverted = try await editor.invert(
    image: photo, caption: "a cat sitting next to a mirror", files: InversionFiles(result: inversionURL))

  var options = EditOptions()
  options.blend = LocalBlend("cat", "tiger")
  let tiger = try await inverted.edit(prompt: "a tiger sitting next to a mirror", options: options)
  try tiger.image.write(to: outURL)

  _ = try editor.open(Inversion(contentsOf: inversionURL))
  return (inverted, options, photo)
}

private func whiteMask(in files: Files) throws -> URL {
  let url = files.result("mask.png")
  try RGBImage(width: 64, height: 64, bytes: [UInt8](repeating: 255, count: 3 * 64 * 64)).write(to: url)
  return url
}

private func maskedEdit(_ inverted: InvertedImage, maskURL: URL) async throws {
  var options = EditOptions()

  var blend = LocalBlend(.init(source: ["cat"], target: ["tiger"]), subtracting: .init(source: ["mirror"]))
  blend.threshold = 0.4
  options.blend = blend

  options.mask = try EditMask(RGBImage(contentsOf: maskURL), softEdge: 16)

  _ = try await inverted.edit(prompt: "a tiger sitting next to a mirror", options: options)
}

private func severalPrompts(_ inverted: InvertedImage) async throws {
  let options = EditOptions()
  let edits = try await inverted.edit(prompts: ["a tiger on a chair", "a lion on a chair"], options: options)
  precondition(edits.count == 2)
}

private func editOfEdit(_ inverted: InvertedImage, photo: RGBImage) async throws {
  let options = EditOptions()

  let tiger = try await inverted.edit(prompt: "a tiger on a chair", options: options)
  let snow = try await tiger.inverted.edit(prompt: "a tiger on a chair in snow", options: options)

  let whole = try await tiger.pasted(into: photo)

  precondition(snow.image != tiger.image && whole.width == photo.width)
}

private func variants(_ inverted: InvertedImage, outURL: URL) async throws {
  let options = EditOptions()
  let best = try await inverted.variants(4, prompt: "a tiger on a chair", options: options)
  try best[0].edited.image.write(to: outURL)  // best[0].score says why
}

private func maps(
  _ inverted: InvertedImage, options: EditOptions, overlayURL: URL, tigerMapURL: URL
) async throws {
  let maps = try await inverted.attentionMaps()  // of the caption: one evaluation per step
  let picture = try await inverted.reconstruction()
  try maps.overlay(of: "cat", on: picture).write(to: overlayURL)

  let grid = AttentionMaps.Grid(height: 16, width: 16)
  let early = try maps.map(of: "cat", grid: grid, steps: 0..<10)  // Tensor, height × width
  let alike = try maps.selfAttentionComponents(3)  // which parts look alike
  let tiger = try await inverted.attentionMaps(prompt: "a tiger sitting next to a mirror", options: options)
  try tiger.maps.overlay(of: "tiger", on: tiger.edited.image).write(to: tigerMapURL)

  precondition(early.shape == [16, 16] && alike.count == 3)
}
