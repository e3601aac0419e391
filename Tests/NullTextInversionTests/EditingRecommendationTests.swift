import DiffusionCore
import EmojiScenes
import Foundation
import NullTextInversion
import TestSupport
import Testing

@Suite("Recommended edit settings") struct EditingRecommendationTests {
  private func recommendation(_ json: String) throws -> EditingRecommendation {
    let folder = try ScratchFolder()
    try FileManager.default.createDirectory(at: folder("unet"), withIntermediateDirectories: true)
    try Data(json.utf8).write(to: folder("editing.json"))
    return try EditingRecommendation(Checkpoint(folder("")))
  }

  @Test("an empty recommendation gives the published options") func nothing() throws {
    #expect(try recommendation("{}").editOptions == EditOptions())
    let folder = try Checkpoint(Fixtures.url("models/four-levels"))
    #expect(try EditingRecommendation(folder) == EditingRecommendation())
  }

  @Test("recommended settings replace the published ones") func values() throws {
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
    "removal settings apply only to prompts that leave words out",
    arguments: [
      ("a fox on sand", true), ("fox sand", true), ("a fox next to a strawberry on sand", false),
      ("a cat on sand", false), ("a sand on fox", false), ("a fox on sand in snow", false),
    ])
  func removal(prompt: String, isRemoval: Bool) throws {
    let found = try recommendation(#"{"removal": {"crossSteps": 0.1, "selfSteps": 0.05}}"#)
    let caption = "a fox next to a strawberry on sand"
    var expected = isRemoval ? EditOptions() : EditOptions.suggested(from: caption, to: prompt)
    if isRemoval {
      expected.promptToPrompt?.crossSteps = try StepWindow(parsing: "0.1")
      expected.promptToPrompt?.selfSteps = try StepWindow(parsing: "0.05")
    }
    #expect(found.editOptions(from: caption, to: prompt) == expected)
  }

  @Test("settings by kind override those for all edits, which override the general ones") func kinds() throws
  {
    let (cat, dog) = ("a cat on a mat", "a dog on a mat")
    let general = EditOptions.suggested(from: cat, to: dog)
    #expect(general.blend?.words == LocalBlend.Words(source: ["cat"], target: ["dog"]))
    #expect(general.promptToPrompt?.crossSteps == EditSuggestion.general[.replacement]?.crossSteps)
    #expect(general.null == .emptyLate && EditOptions.suggested(from: cat, to: cat).null == .fitted)
    let fitted = try recommendation(#"{"null": {"emptyShare": 0}}"#).editOptions(from: cat, to: dog)
    #expect(fitted.null == .fitted)
    let all = try recommendation(#"{"crossSteps": 0.25, "blendGrid": 8}"#).editOptions(from: cat, to: dog)
    #expect(
      all.promptToPrompt?.crossSteps == 0.25
        && all.promptToPrompt?.selfSteps == general.promptToPrompt?.selfSteps)
    #expect(all.blend?.grid == 8 && all.blend?.threshold == general.blend?.threshold)
    let own = try recommendation(
      #"{"crossSteps": 0.25, "kinds": {"replacement": {"crossSteps": 0.5, "emphasis": 2}, "removal": {"removalSteps": 0.5}}}"#
    )
    let replacement = own.editOptions(from: cat, to: dog)
    #expect(replacement.promptToPrompt?.crossSteps == 0.5 && replacement.blend == nil)
    #expect(replacement.promptToPrompt?.emphasis == [Emphasis("dog", 2)])
    let removal = own.editOptions(from: "a cat next to a dog on a mat", to: "a cat on a mat")
    #expect(
      removal.control
        == .removal(ObjectRemoval(words: ["dog"], keptOut: ["cat"], threshold: 0.3, steps: 0.5)))
    #expect(own.editOptions(from: cat, to: cat) == own.editOptions)
    let written = try JSONDecoder().decode(EditingRecommendation.self, from: JSONEncoder().encode(own))
    #expect(written == own)
  }

  @Test(
    "invalid recommendations are rejected with the file's name",
    arguments: [
      "[]", "{", #"{"guidance": "much"}"#, #"{"guidance": -1}"#, #"{"crossSteps": 2}"#,
      #"{"method": "magic"}"#,
      #"{"blendGrid": 0}"#, #"{"kinds": {"magic": {}}}"#, #"{"kinds": {"removal": {"blendThreshold": 2}}}"#,
      #"{"kinds": {"style": {"guidance": -1}}}"#,
    ])
  func wrong(json: String) throws {
    let error = #expect(throws: InputError.self) { try recommendation(json) }
    #expect(error?.message.contains("editing.json") == true)
  }

  @Test("the bundled model recommends guidance 2 and settings for every kind of edit") func bundled() throws {
    let found = try EditingRecommendation(Checkpoint(EmojiScenes.folder()))
    #expect(found.guidance == 2 && found.blendGrid == 8)
    #expect(Set(found.kinds.keys) == Set(EditSuggestion.general.keys))
  }
}
