import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

/// Edits must not assume that a text has 77 tokens.
@Suite("Text encoders with a length other than 77") struct TextLengthTests {
  /// A checkpoint whose text encoder has `length` tokens.
  private func checkpoint(_ length: Int) throws -> CheckpointCopy {
    let copy = try CheckpointCopy(of: "sharded")
    let folder = copy.url.appending(path: "text_encoder")
    let half = folder.appending(path: "model.fp16.safetensors")
    let file = try SafetensorsFile(contentsOf: half)
    var writer = SafetensorsWriter()
    for name in file.names where !name.hasSuffix("position_ids") {
      let tensor = try file.tensor(named: name)
      writer.add(name, name.hasSuffix("position_embedding.weight") ? tensor[0..<length] : tensor)
    }
    try writer.write(to: folder.appending(path: "model.safetensors"))
    try FileManager.default.removeItem(at: half)
    try copy.set(["max_position_embeddings": length], in: "text_encoder/config.json")
    try copy.set(["model_max_length": length], in: "tokenizer/tokenizer_config.json")
    return copy
  }

  @Test(
    "inversions, edits with every control, and maps work",
    arguments: [
      EditControl.promptToPrompt(),
      .promptToPrompt(PromptToPrompt(controller: .refine, emphasis: [Emphasis("dog", 2)])),
      .promptToPrompt(PromptToPrompt(crossStepsOfWords: [WordWindow("dog", 0.5)])), .masaCtrl(),
      .none,
    ])
  func editing(control: EditControl) async throws {
    let copy = try checkpoint(12)
    let editor = try await ImageEditor(model: .directory(copy.url))
    var options = InversionOptions(method: .nullText(NullText(innerSteps: 1)))
    options.steps = 3
    let inverted = try await editor.invert(
      image: SmallInversion.picture, caption: "a cat on the mat", options: options)
    #expect(inverted.inversion.nullEmbeddings.allSatisfy { $0.shape[0] == 12 })
    var edit = EditOptions(control: control)
    edit.blend = LocalBlend("cat", "dog")
    let edited = try await inverted.attentionMaps(prompt: "a dog on the mat", options: edit)
    #expect(edited.edited.mask != nil)
    #expect(try edited.maps.map(of: "dog").count > 0)
  }

  @Test("a longer prompt is rejected with the numbers of tokens")
  func refusal() async throws {
    let copy = try checkpoint(7)
    let editor = try await ImageEditor(model: .directory(copy.url))
    let error = await #expect(throws: InputError.self) {
      try await editor.invert(image: SmallInversion.picture, caption: "a cat and a dog on the mat")
    }
    #expect(error?.message.contains("reads 7") == true)
  }
}
