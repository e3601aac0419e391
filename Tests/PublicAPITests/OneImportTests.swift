import Foundation
import NullTextInversion
import TestSupport
import Testing

@Suite("One import") struct OneImportTests {
  @Test("one import is enough to invert, save, edit, reuse a mask and create maps")
  func everything() async throws {
    let folder = try ScratchFolder()
    let editor = try await SmallEditor.editor()
    try SmallEditor.picture.write(to: folder("photo.png"))
    let photo = try RGBImage(contentsOf: folder("photo.png"))
    let inverted = try await editor.invert(
      image: photo, caption: SmallEditor.caption, options: SmallEditor.options,
      files: InversionFiles(result: folder("cat.nti")))
    #expect(try folder.names == ["cat.nti", "photo.png"])

    var options = EditOptions()
    options.promptToPrompt?.selfSteps = 0.5
    options.blend = LocalBlend(LocalBlend.Words(source: ["cat"], target: ["dog"]), threshold: 0.97)
    let dog = try await inverted.edit(prompt: "a dog on the mat", options: options)
    let mask = try #require(dog.mask)
    #expect(Set(mask.coverage) == [0, 255])
    try mask.picture.write(to: folder("mask.png"))
    let read = try EditMask(RGBImage(contentsOf: folder("mask.png")))
    #expect(read == mask)

    options.blend = nil
    options.mask = read
    let masked = try await inverted.edit(prompt: "a dog on the mat", options: options)
    #expect(masked.mask == nil)
    let source = try await inverted.reconstruction()
    let unmasked = try await inverted.edit(
      prompt: "a dog on the mat", options: EditOptions(control: options.control))
    #expect(masked.image != source && masked.image != unmasked.image)

    let maps = try await inverted.attentionMaps()
    let map: Tensor = try maps.map(of: "cat")
    #expect(map.scalars.allSatisfy { $0 > 0 } && Parallel.threadCount >= 1)
    try maps.overlay(of: "cat", on: photo).write(to: folder("cat.png"))
  }

  @Test("maps of an edit come with the image of the same edit, at no additional evaluations")
  func mapsOfEdit() async throws {
    let inverted = try await SmallEditor.inverted()
    let edited = try await SmallEditor.inverted().edit(prompt: "a dog on the mat")
    let both = try await inverted.attentionMaps(prompt: "a dog on the mat")
    #expect(both.edited.image == edited.image)
    #expect(both.edited.evaluations.forward == edited.evaluations.forward)
    #expect(both.maps.words.words.map(\.text) == ["a", "dog", "on", "the", "mat"])
    #expect(both.maps.steps.count == 4)
  }

  @Test("an error has a readable description for Foundation")
  func errors() async throws {
    let error: any Error = InputError(.missing, "There is no file x.")
    #expect(error.localizedDescription == "There is no file x.")
  }

  @Test("every sampler generates an image, and a negative prompt changes it")
  func generation() async throws {
    let editor = try await SmallEditor.editor()
    func picture(_ change: (inout GenerationOptions) -> Void = { _ in }) async throws -> (RGBImage, Int) {
      var options = GenerationOptions(seed: 3, steps: 4, guidance: 4)
      change(&options)
      let before = editor.model.counter.total.forward
      let picture = try await editor.generate(prompt: "a cat", options: options)
      return (picture, editor.model.counter.total.forward - before)
    }
    let plain = try await picture()
    #expect(plain.1 == 8)
    for sampler in [SamplerName.dpmSolver, .lcm] {
      let other = try await picture { $0.sampler = sampler }
      #expect(other.0 != plain.0 && other.1 == 8)
      #expect(try await picture { $0.sampler = sampler }.0 == other.0)
    }
    #expect(try await picture { $0.negativePrompt = "a mat" }.0 != plain.0)
    let unguided = try await picture { $0.guidance = 1 }
    #expect(unguided.1 == 4)
    #expect(try await picture { ($0.guidance, $0.negativePrompt) = (1, "a mat") }.0 == unguided.0)
    await #expect(throws: InputError.self) { try await picture { $0.guidance = -1 } }
    await #expect(throws: InputError.self) { try await picture { ($0.sampler, $0.steps) = (.lcm, 51) } }
    await #expect(throws: InputError.self) { try await picture { $0.steps = 0 } }
  }
}
