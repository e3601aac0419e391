import Foundation
import NullTextInversion
import TestSupport
import Testing

@Suite("Precedence of settings") struct RecommendationTests {
  /// Returns the path of a copy of the sample's model with a recommendation.
  private func model(_ sample: Sample, _ json: String) throws -> String {
    let model = sample.scratch("model")
    if !FileManager.default.fileExists(atPath: model.path) {
      try FileManager.default.copyItem(at: URL(fileURLWithPath: Sample.model), to: model)
    }
    try Data(json.utf8).write(to: model.appendingPathComponent("editing.json"))
    return model.path
  }

  @Test("options come before a recipe, the model's recommendation and the published values") func order()
    async throws
  {
    let sample = try await Sample()
    let model = try model(sample, #"{"guidance": 2, "crossSteps": 0.5, "selfSteps": 0.25}"#)
    try Data(#"{"crossSteps": 0.75}"#.utf8).write(to: sample.scratch("own.json"))
    func recipe(_ more: String...) async throws -> [String: Any] {
      let run = try await sample.run(
        ["edit", "photo.nti", "--prompt", "a dog on a mat", "-o", "a.png", "--json", "--model", model] + more)
      #expect(run.status == 0, "\(run.errors)")
      return try #require(try run.json()["recipe"] as? [String: Any])
    }
    let plain = try await recipe()
    #expect(plain["guidance"] as? Double == 2 && plain["crossSteps"] as? Double == 0.5)
    let fromFile = try await recipe("--recipe", "own.json")
    #expect(fromFile["crossSteps"] as? Double == 0.75 && fromFile["selfSteps"] as? Double == 0.25)
    let chosen = try await recipe("--recipe", "own.json", "--cross-steps", "1", "--guidance", "4")
    #expect(chosen["crossSteps"] as? Double == 1 && chosen["guidance"] as? Double == 4)
    // Without a recommendation, the guidance is the inversion's, and windows come from the kind of edit or the publication.
    let suggested = try await sample.run("edit", "--prompt", "a dog on a mat", "-o", "a.png", "--json")
    let own = try #require(try suggested.json()["recipe"] as? [String: Any])
    let general = try #require(EditSuggestion.general[.replacement]?.crossSteps)
    #expect(own["guidance"] as? Double == 7.5 && own["crossSteps"] as? Double == general.end)
    let published = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "-o", "a.png", "--json", "--preset", "published")
    let recipe = try #require(try published.json()["recipe"] as? [String: Any])
    #expect(recipe["guidance"] as? Double == 7.5 && recipe["crossSteps"] as? Double == 0.8)
  }

  @Test("a quicker method is suggested unless an option chooses a method") func quickerMethod() async throws {
    let sample = try await Sample()
    func errors(_ more: String...) async throws -> String {
      try await sample.run(
        ["invert", "photo.png", "--caption", "a cat", "--model", Sample.model, "--steps", "2", "--force"]
          + more
      ).errors
    }
    #expect(try await errors().contains("--method direct gives equally good edits"))
    #expect(try await !errors("--method", "null-text").contains("equally good edits"))
    #expect(try await !errors("--fast").contains("equally good edits"))
    #expect(try await errors("--quiet") == "")
  }

  @Test("with the bundled model, a picture unlike its training data gives a warning") func unfamiliarPicture()
    async throws
  {
    let scratch = try Scratch()
    try noisePicture(64, 64).write(to: scratch("noise.png"))
    let run = try await Program.run(
      ["invert", "noise.png", "--caption", "a cat", "--steps", "1", "--method", "direct"], in: scratch)
    #expect(run.status == 0)
    #expect(run.errors.contains("trained on drawn scenes of emoji only") && run.errors.contains("--model"))
  }
}

@Suite("nti invert with several photos") struct SeveralPhotosTests {
  private func invert(_ sample: Sample, _ arguments: String...) async throws -> Program.Outcome {
    try await sample.run(
      ["invert", "--model", Sample.model, "--steps", "2", "--method", "direct", "--quiet"] + arguments)
  }

  @Test("a file has a caption for each photo") func captions() async throws {
    let sample = try await Sample()
    try sample.picture("photo.png").write(to: sample.scratch("other.jpg"))
    try Data("a cat\r\n\n  a dog \n".utf8).write(to: sample.scratch("captions"))
    let run = try await invert(sample, "photo.png", "other.jpg", "--captions", "captions", "--json")
    #expect(run.status == 0, "\(run.errors)")
    let lines = run.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains("photo.png.nti") && lines[1].contains("other.jpg.nti"))
    #expect(try Inversion(contentsOf: sample.scratch("photo.png.nti")).caption == "a cat")
    #expect(try Inversion(contentsOf: sample.scratch("other.jpg.nti")).caption == "a dog")
  }

  @Test("two captions of the same photo make two inversions") func samePhoto() async throws {
    let sample = try await Sample()
    try Data("a cat\na dog\n".utf8).write(to: sample.scratch("captions"))
    let run = try await invert(sample, "photo.png", "photo.png", "--captions", "captions")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try Inversion(contentsOf: sample.scratch("photo.png.nti")).caption == "a cat")
    #expect(try Inversion(contentsOf: sample.scratch("photo.png-2.nti")).caption == "a dog")
  }

  @Test("a wrong number of captions, --output and --report are rejected") func refusals() async throws {
    let sample = try await Sample()
    try Data("a cat\n".utf8).write(to: sample.scratch("captions"))
    for (arguments, says) in [
      (["photo.png", "photo.png"], "--captions"), (["photo.png"], "--caption"),
      (["photo.png", "photo.png", "--captions", "captions"], "has 1 for 2 photos"),
      (["photo.png", "photo.png", "--captions", "captions", "-o", "a.nti"], "--output"),
      (["photo.png", "--caption", "a", "--captions", "captions"], "give one"),
    ] {
      let run = try await sample.run(["invert", "--model", Sample.model] + arguments)
      #expect(run.status == 64)
      #expect(run.errors.contains(says), "\(run.errors)")
    }
    #expect(try sample.scratch.names == ["captions", "photo.nti", "photo.png"])
  }
}
