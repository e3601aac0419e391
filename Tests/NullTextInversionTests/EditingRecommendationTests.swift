import DiffusionCore
import EmojiScenes
import Foundation
import NullTextInversion
import TestSupport
import Testing

@Suite("What a model recommends for edits") struct EditingRecommendationTests {
  private func recommendation(_ json: String) throws -> EditingRecommendation {
    let folder = try ScratchFolder()
    try FileManager.default.createDirectory(at: folder("unet"), withIntermediateDirectories: true)
    try Data(json.utf8).write(to: folder("editing.json"))
    return try EditingRecommendation(Checkpoint(folder("")))
  }

  @Test("is as published where nothing is said") func nothing() throws {
    #expect(try recommendation("{}").editOptions == EditOptions())
    let folder = try Checkpoint(Fixtures.url("models/four-levels"))
    #expect(try EditingRecommendation(folder) == EditingRecommendation())
  }

  @Test("stands in the place of what is published") func values() throws {
    let found = try recommendation(
      #"{"guidance": 4, "crossSteps": 0.5, "selfSteps": [0.1, 0.3], "selfGrid": 16, "blendGrid": 8, "method": "ddim"}"#
    )
    var expected = EditOptions()
    expected.guidance = 4
    expected.promptToPrompt?.crossSteps = try StepWindow(parsing: "0.5")
    expected.promptToPrompt?.selfSteps = try StepWindow(parsing: "0.1:0.3")
    expected.promptToPrompt?.selfGrid = 16
    #expect(found.editOptions == expected)
    #expect(found.blendGrid == 8 && found.method == .ddim)
  }

  @Test(
    "windows of a removal are for prompts that only leave words out",
    arguments: [
      ("a fox on sand", true), ("fox sand", true), ("a fox next to a strawberry on sand", false),
      ("a cat on sand", false), ("a sand on fox", false), ("a fox on sand in snow", false),
    ])
  func removal(prompt: String, isRemoval: Bool) throws {
    let found = try recommendation(#"{"removal": {"crossSteps": 0.1, "selfSteps": 0.05}}"#)
    var expected = EditOptions()
    if isRemoval {
      expected.promptToPrompt?.crossSteps = try StepWindow(parsing: "0.1")
      expected.promptToPrompt?.selfSteps = try StepWindow(parsing: "0.05")
    }
    #expect(found.editOptions(from: "a fox next to a strawberry on sand", to: prompt) == expected)
  }

  @Test(
    "that makes no sense is refused with the name of the file",
    arguments: [
      "[]", "{", #"{"guidance": "much"}"#, #"{"guidance": -1}"#, #"{"crossSteps": 2}"#,
      #"{"method": "magic"}"#,
      #"{"blendGrid": 0}"#,
    ])
  func wrong(json: String) throws {
    let error = #expect(throws: InputError.self) { try recommendation(json) }
    #expect(error?.message.contains("editing.json") == true)
  }

  @Test("of the bundled model says guidance 3") func bundled() throws {
    let found = try EditingRecommendation(Checkpoint(EmojiScenes.folder()))
    #expect(found.guidance == 3 && found.blendGrid == 8)
  }
}
