import EditEvaluation
import Foundation
import NullTextInversion
import Testing

@Suite("nti edit") struct EditTests {
  @Test("an edit is written next to its inversion, with its recipe") func edit() async throws {
    let sample = try await Sample()
    let run = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "--self-steps", "0.25:0.5", "--cross-steps", "dog=0.5",
      "--emphasis", "dog=2",
      "--json")
    #expect(run.status == 0, "\(run.errors)")
    let report = try run.json()
    #expect(report["output"] as? String == "photo.edit.png")
    #expect(try #require(report.integer("evaluations", "forward")) <= 3 * Sample.steps)
    #expect(report.integer("evaluations", "backward") == 0)
    #expect(report.integer("innerSteps") == sample.report.integer("innerSteps"))

    let recipe = try sample.recipe(in: "photo.edit.png")
    #expect(recipe["prompt"] as? String == "a dog on a mat")
    #expect(recipe["selfSteps"] as? [Double] == [0.25, 0.5])
    #expect(NSDictionary(dictionary: recipe).isEqual(to: try #require(report["recipe"] as? [String: Any])))
    let picture = try sample.picture("photo.edit.png")
    #expect(picture.width == 16 && picture.height == 16)
  }

  @Test("a recipe from a file or from a picture makes the same picture again") func recipe()
    async throws
  {
    let sample = try await Sample()
    let first = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "--self-steps", "0", "--emphasis", "dog=-1", "-o", "a.png",
      "--save-recipe",
      "a.json")
    #expect(first.status == 0, "\(first.errors)")
    for (index, recipe) in ["a.json", "a.png"].enumerated() {
      let again = try await sample.run("edit", "--recipe", recipe, "-o", "again-\(index).png")
      #expect(again.status == 0, "\(again.errors)")
      #expect(try sample.picture("again-\(index).png") == sample.picture("a.png"))
    }
    // A JPEG contains the recipe too.
    for (recipe, name) in [("a.json", "again.jpg"), ("again.jpg", "again-2.png")] {
      let again = try await sample.run("edit", "--recipe", recipe, "-o", name)
      #expect(again.status == 0, "\(again.errors)")
    }
    #expect(try sample.picture("again-2.png") == sample.picture("a.png"))
    let carried = try sample.recipe(in: "again.jpg")
    #expect(try NSDictionary(dictionary: carried).isEqual(to: sample.recipe(in: "a.png")))
    let report = try await sample.run(["inspect", "again.jpg", "--json"]).json()
    #expect((report["recipe"] as? String)?.contains("a dog on a mat") == true)

    let other = try await sample.run("edit", "--recipe", "a.json", "--emphasis", "dog=1", "-o", "other.png")
    #expect(other.status == 0)
    #expect(try sample.picture("other.png") != sample.picture("a.png"))
  }

  @Test("a photo is edited directly, with the same result as from its inversion") func photo() async throws {
    let sample = try await Sample()
    let edit = ["--prompt", "a dog on a mat", "--model", Sample.model, "--json"]
    let photo = ["edit", "photo.png", "--caption", Sample.caption, "--size", "square"]
    let run = try await sample.run(photo + edit)
    #expect(run.status == 0, "\(run.errors)")
    let report = try run.json()
    #expect(report["output"] as? String == "photo.edit.png")
    #expect(try #require(report.integer("evaluations", "forward")) <= 3 * 8)

    let inverted = try await sample.run([
      "invert", "photo.png", "--caption", Sample.caption, "--model", Sample.model, "--size", "square",
      "--quality",
      "balanced", "-o", "noise.nti",
    ])
    #expect(inverted.status == 0, "\(inverted.errors)")
    let again = try await sample.run(["edit", "noise.nti", "-o", "again.png"] + edit)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try sample.picture("again.png") == sample.picture("photo.edit.png"))

    let other = try await sample.run(photo + edit + ["--seed", "7", "-o", "other.png"])
    #expect(other.status == 0)
    #expect(try sample.picture("other.png") != sample.picture("photo.edit.png"))
    let pasted = try await sample.run(photo + edit + ["--paste-back", "photo.png", "-o", "pasted.png"])
    #expect(pasted.status == 0, "\(pasted.errors)")
    #expect(try sample.picture("pasted.png").width == 40)
  }

  @Test("photo options for an inversion, and a photo without a caption, are rejected") func photoOptions()
    async throws
  {
    let sample = try await Sample()
    for (arguments, says) in [
      (["photo.nti", "--caption", "a cat"], "--caption"), (["photo.nti", "--seed", "1"], "--seed"),
      (["photo.png"], "--caption"),
      (["photo.png", "--caption", "a cat", "--method", "direct", "--seed", "1"], "--seed"),
      (["photo.png", "--caption", "a cat", "--method", "direct", "--quality", "fast"], "--quality"),
      (["photo.png", "--caption", "a cat", "--paste-back", "photo.nti"], "photo.nti"),
    ] {
      let run = try await sample.run(
        ["edit", "--prompt", "a dog", "--model", Sample.model, "-o", "a.png"] + arguments)
      #expect(run.status == 64 || run.status == 65)
      #expect(run.errors.contains(says), "\(run.errors)")
    }
    #expect(try !sample.scratch.names.contains("a.png"))
  }

  @Test("variants are written by descending score, with their scores", arguments: ["photo.nti", "photo.png"])
  func variants(source: String) async throws {
    let sample = try await Sample()
    let photo = source == "photo.png" ? ["--caption", Sample.caption, "--steps", "2"] : []
    let run = try await sample.run(
      ["edit", source, "--prompt", "a dog on a mat", "--model", Sample.model, "--variants", "3", "--json"]
        + photo)
    #expect(run.status == 0, "\(run.errors)")
    let report = try run.json()
    let pictures = try #require(report["pictures"] as? [String])
    #expect(
      pictures == (1...3).map { "photo.edit.\($0).png" }
        && report["sheet"] as? String == "photo.edit.variants.png")
    let scores = try #require(report["scores"] as? [[String: Double]])
    let totals = try scores.map { score in
      try #require(score["kept"]) * #require(score["attended"])
    }
    #expect(totals == totals.sorted(by: >) && totals.count == 3)
    #expect(Set(try pictures.map { try sample.picture($0).bytes }).count > 1)
    #expect(try sample.picture("photo.edit.variants.png").width > 64)
  }

  @Test("several windows make one sheet of all combinations, with the same pictures as single edits")
  func sweep() async throws {
    let sample = try await Sample()
    let run = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "--cross-steps", "0,0.8", "--self-steps", "0,0.5,1", "-o",
      "sheet.png",
      "--json")
    #expect(run.status == 0, "\(run.errors)")
    let recipes = try #require(try run.json()["recipes"] as? [[String: Any]])
    let windows = recipes.map { [$0["crossSteps"] as? Double, $0["selfSteps"] as? Double] }
    #expect(windows == [[0, 0], [0, 0.5], [0, 1], [0.8, 0], [0.8, 0.5], [0.8, 1]])

    let single = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "--cross-steps", "0.8", "--self-steps", "0.5", "-o", "single.png")
    #expect(single.status == 0)
    let (sheet, picture) = (try sample.picture("sheet.png"), try sample.picture("single.png"))
    #expect(sheet.width > 4 * picture.width)
    #expect(sheet.contains(picture.enlarged(by: 256 / picture.width)))
  }

  @Test("several prompts share the source's evaluations, and make the same pictures as single edits")
  func severalPrompts() async throws {
    let sample = try await Sample()
    let prompts = ["a dog on a mat", "a cat on a red mat"]
    let run = try await sample.run(
      "edit", "--prompt", prompts[0], "--prompt", prompts[1], "--preset", "published", "-o", "all.png",
      "--json")
    #expect(run.status == 0, "\(run.errors)")
    let report = try run.json()
    #expect(report["pictures"] as? [String] == ["all.1.png", "all.2.png"] && report["output"] == nil)
    #expect(try #require(report.integer("evaluations", "forward")) <= 5 * Sample.steps)
    for (number, prompt) in prompts.enumerated() {
      let alone = try await sample.run("edit", "--prompt", prompt, "--preset", "published", "-o", "alone.png")
      #expect(alone.status == 0)
      #expect(try sample.picture("all.\(number + 1).png") == sample.picture("alone.png"))
      #expect(try sample.recipe(in: "all.\(number + 1).png")["prompt"] as? String == prompt)
    }
    for arguments in [["--self-steps", "0,0.5"], ["--save-recipe", "r.json"]] {
      let refused = try await sample.run(
        ["edit", "photo.nti", "--model", Sample.model, "--prompt", prompts[0], "--prompt", prompts[1]]
          + arguments)
      #expect(refused.status == 64 && refused.errors.contains("prompts"))
    }
  }

  @Test("an edit can be saved as an inversion and edited again") func successiveEdits() async throws {
    let sample = try await Sample()
    let first = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "--save-inversion", "dog.nti", "-o", "dog.png", "--json")
    #expect(first.status == 0, "\(first.errors)")
    #expect(try first.json()["inversion"] as? String == "dog.nti")
    #expect(try Inversion(contentsOf: sample.scratch("dog.nti")).caption == "a dog on a mat")
    let same = try await sample.run(["reconstruct", "dog.nti", "--model", Sample.model, "-o", "same.png"])
    #expect(same.status == 0)
    #expect(try sample.picture("same.png") == sample.picture("dog.png"))
    let second = try await sample.run([
      "edit", "dog.nti", "--model", Sample.model, "--prompt", "a dog on a red mat", "-o", "red.png",
    ])
    #expect(second.status == 0, "\(second.errors)")
    #expect(try sample.picture("red.png") != sample.picture("dog.png"))
  }

  @Test("the options of proximal guidance and spatial replacement change the picture")
  func otherOptions() async throws {
    let sample = try await Sample()
    let plain = try await sample.run("edit", "--prompt", "a dog on a mat", "-o", "plain.png")
    #expect(plain.status == 0)
    var pictures = [try sample.picture("plain.png")]
    for arguments in [
      ["--proximal", "0.5"], ["--proximal", "0.5", "--pull-back", "0"], ["--spatial-replace", "0.4"],
    ] {
      let run = try await sample.run(
        ["edit", "photo.nti", "--model", Sample.model, "--prompt", "a dog on a mat", "-o", "other.png"]
          + arguments)
      #expect(run.status == 0, "\(run.errors)")
      let picture = try sample.picture("other.png")
      #expect(!pictures.contains(picture), "\(arguments)")
      pictures.append(picture)
    }
    let recipe = try sample.recipe(in: "other.png")
    #expect((recipe["spatialReplace"] as? [String: Any])?["stopInject"] as? Double == 0.4)
    for arguments in [["--proximal", "1.5"], ["--pull-back", "1"], ["--spatial-replace", "2"]] {
      let run = try await sample.run(
        ["edit", "photo.nti", "--model", Sample.model, "--prompt", "a dog on a mat"] + arguments)
      #expect(run.status == 64, "\(arguments)")
    }
  }

  @Test("an edit takes a mask, and writes the mask of a blend") func masks() async throws {
    let sample = try await Sample()
    var mask = RGBImage(width: 16, height: 16, filledWith: .zero)
    for y in 0..<16 { for x in 8..<16 { mask[x, y] = SIMD3(repeating: 255) } }
    try mask.write(to: sample.scratch("mask.png"))
    let masked = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "--mask", "mask.png", "--mask-softness", "2", "-o", "masked.png")
    #expect(masked.status == 0, "\(masked.errors)")
    let blended = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "--blend", "cat,dog", "--blend-subtract", "mat",
      "--blend-threshold",
      "0.5,0.9", "--blend-start", "0", "--save-mask", "found.png", "-o", "blended.png", "--json")
    #expect(blended.status == 0, "\(blended.errors)")
    #expect(try blended.json()["mask"] as? String == "found.png")
    let found = try sample.picture("found.png")
    #expect(found.width == 16 && found.bytes.allSatisfy { $0 == 0 || $0 == 255 })
  }

  @Test("each control makes a different picture") func controls() async throws {
    let sample = try await Sample()
    var pictures: [RGBImage] = []
    for (name, options) in [
      ("p2p", ["--self-steps", "1"]), ("none", ["--control", "none"]),
      ("sdedit", ["--control", "sdedit", "--strength", "0.5"]),
      ("masactrl", ["--control", "masactrl", "--masactrl-start", "0"]),
    ] {
      let run = try await sample.run(
        ["edit", "photo.nti", "--model", Sample.model, "--prompt", "a dog on a mat", "-o", "\(name).png"]
          + options)
      #expect(run.status == 0, "\(run.errors)")
      let picture = try sample.picture("\(name).png")
      #expect(!pictures.contains(picture), "\(name)")
      pictures.append(picture)
    }
  }

  @Test(
    "options that cannot be combined are wrong usage",
    arguments: [
      (["--strength", "0.5"], "--control sdedit"),
      (["--control", "sdedit"], "--strength"),
      (["--control", "sdedit", "--strength", "2"], "strength is 2.0"),
      (["--masactrl-start", "0.5"], "--control masactrl"),
      (["--control", "none", "--self-steps", "0.5"], "--self-steps"),
      (["--control", "none", "--emphasis", "dog=2"], "--emphasis"),
      (["--blend-start", "0.5"], "--blend"),
      (["--blend", "cat,dog", "--blend-threshold", "1"], "threshold"),
      (["--mask-softness", "2"], "--mask"),
      (["--save-mask", "m.png"], "--blend"),
      (["--self-steps", "0.1,0.2", "--save-recipe", "r.json"], "--save-recipe"),
      (["--self-grid", "-1"], "self-grid"),
      (["--guidance", "101"], "guidance scale is 101.0"),
    ])
  func combinations(options: [String], says: String) async throws {
    let sample = try await Sample()
    let run = try await sample.run(
      ["edit", "photo.nti", "--model", Sample.model, "--prompt", "a dog on a mat", "--preset", "published"]
        + options)
    #expect(run.status == 64, "\(run.errors)")
    #expect(run.errors.contains(says))
    #expect(try sample.scratch.names == ["photo.nti", "photo.png"])
  }

  @Test("options that do not match the inversion or its words are rejected before the networks are read")
  func mismatches() async throws {
    let sample = try await Sample()
    try Data(#"{"selfStep": 0.5}"#.utf8).write(to: sample.scratch("typo.json"))
    try Data(#"{"selfSteps": 7}"#.utf8).write(to: sample.scratch("range.json"))
    let names = try sample.scratch.names
    let prompt = ["--prompt", "a dog on a mat"]
    for (options, status, says) in [
      (prompt + ["--emphasis", "tiger=2"], 65, "a, dog, on, mat"),
      (prompt + ["--cross-steps", "tiger=0.5"], 65, "dog"),
      (prompt + ["--blend", "tiger,dog"], 65, "cat"),
      (prompt + ["--blend", "cat,dog", "--blend-subtract", "sky"], 65, "sky"),
      (["--prompt", "a dog", "--controller", "replace"], 65, "same number of words"),
      (prompt + ["--recipe", "typo.json"], 65, "\"selfStep\" is not an option"),
      (prompt + ["--recipe", "range.json"], 65, "range.json"),
      (prompt + ["--recipe", "none.json"], 66, "none.json"),
      (["--recipe", "photo.png"], 65, "contains no recipe"),
      (prompt + ["--mask", "none.png"], 66, "none.png"),
      (prompt + ["-o", "photo.nti"], 64, "is the input"), (prompt + ["-o", "none/x.png"], 64, "no folder"),
    ] {
      let run = try await sample.run(["edit", "photo.nti", "--model", Sample.model] + options)
      #expect(run.status == Int32(status), "\(options): \(run.errors)")
      #expect(run.errors.contains(says), "\(run.errors)")
      #expect(run.errors.split(separator: "\n").count == 1)
      #expect(try sample.scratch.names == names)
    }
    let other = try await sample.run(["edit", "photo.nti"] + prompt)
    #expect(other.status == 65)
    #expect(other.errors.contains("another model"))
  }
}

extension RGBImage {
  /// Returns whether this picture contains another at any position.
  fileprivate func contains(_ other: RGBImage) -> Bool {
    let first = other[0, 0]
    for y in 0...height - other.height {
      for x in 0...width - other.width where self[x, y] == first {
        let rows = (0..<other.height).lazy.map { row in
          let (a, b) = (3 * ((y + row) * width + x), 3 * row * other.width)
          return bytes[a..<a + 3 * other.width].elementsEqual(other.bytes[b..<b + 3 * other.width])
        }
        if rows.allSatisfy(\.self) { return true }
      }
    }
    return false
  }
}
