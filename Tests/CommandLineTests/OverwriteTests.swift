import Foundation
import NullTextInversion
import Testing

@Suite("Existing files") struct OverwriteTests {
  private func invert(_ sample: Sample, _ photo: String, _ caption: String, _ more: String...) async throws
    -> Program.Outcome
  {
    try await sample.run(
      [
        "invert", photo, "--caption", caption, "--model", Sample.model, "--steps", "2", "--method", "direct",
        "--size", "square",
        "--quiet",
      ]
        + more)
  }

  @Test("the default name is that of the photo, with a number if another inversion has it")
  func inversionNames()
    async throws
  {
    let sample = try await Sample()
    try sample.picture("photo.png").write(to: sample.scratch("photo.jpg"))
    for (photo, caption, name) in [
      ("photo.png", "a cat", "photo.png.nti"), ("photo.jpg", "a cat", "photo.jpg.nti"),
      ("photo.png", "a dog", "photo.png-2.nti"), ("photo.png", "a cat", "photo.png.nti"),
    ] {
      let run = try await invert(sample, photo, caption, "--json")
      #expect(run.status == 0, "\(run.errors)")
      #expect(try run.json()["inversion"] as? String == name)
    }
    #expect(
      try sample.scratch.names
        == ["photo.jpg", "photo.jpg.nti", "photo.nti", "photo.png", "photo.png-2.nti", "photo.png.nti"])
  }

  @Test("an existing inversion is reused unless --force is given") func reuse()
    async throws
  {
    let sample = try await Sample()
    #expect(try await invert(sample, "photo.png", "a cat").status == 0)
    let again = try await invert(sample, "photo.png", "a cat")
    #expect(again.output.contains("already"))
    // The pivots of edit-friendly DDPM take no evaluations, whether they are computed or read.
    let noise = try await invert(sample, "photo.png", "a cat", "--method", "edit-friendly", "-o", "noise.nti")
    #expect(noise.status == 0 && !noise.output.contains("already"))
    let noiseAgain = try await invert(
      sample, "photo.png", "a cat", "--method", "edit-friendly", "-o", "noise.nti")
    #expect(noiseAgain.output.contains("already"))
    let evaluations = try await invert(sample, "photo.png", "a cat", "--json", "--force").json()
    #expect(evaluations.integer("evaluations", "forward") == 2)
  }

  @Test("an inversion is replaced only by one of the same picture and caption") func inversions()
    async throws
  {
    let sample = try await Sample()
    let before = try Data(contentsOf: sample.scratch("photo.nti"))
    let other = try await invert(sample, "photo.png", "a dog", "-o", "photo.nti")
    #expect(other.status == 64)
    #expect(other.errors.contains("another caption (\"\(Sample.caption)\")"))
    var picture = try sample.picture("photo.png")
    picture[20, 10] = SIMD3(1, 2, 3)
    try picture.write(to: sample.scratch("other.png"))
    let another = try await invert(sample, "other.png", Sample.caption, "-o", "photo.nti")
    #expect(another.status == 64)
    #expect(another.errors.contains("another picture"))
    try Data("notes".utf8).write(to: sample.scratch("notes.nti"))
    #expect(try await invert(sample, "photo.png", "a cat", "-o", "notes.nti").status == 64)
    #expect(try sample.scratch.text("notes.nti") == "notes")
    let saved = try await sample.run(
      "edit", "--prompt", "a dog on a mat", "--save-inversion", "photo.png", "--quiet")
    #expect(saved.status == 64)
    #expect(try Data(contentsOf: sample.scratch("photo.nti")) == before)

    #expect(try await invert(sample, "photo.png", Sample.caption, "-o", "photo.nti").status == 0)
    #expect(try await invert(sample, "photo.png", "a dog", "-o", "photo.nti", "--force").status == 0)
    #expect(try Inversion(contentsOf: sample.scratch("photo.nti")).caption == "a dog")
  }

  @Test("a picture is replaced only if the program wrote it and it is unchanged") func pictures() async throws
  {
    let sample = try await Sample()
    func edit(_ more: String...) async throws -> Program.Outcome {
      try await sample.run(
        ["edit", "photo.nti", "--model", Sample.model, "--prompt", "a dog on a mat", "--quiet"] + more)
    }
    let photo = try Data(contentsOf: sample.scratch("photo.png"))
    let refused = try await edit("-o", "photo.png")
    #expect(refused.status == 64)
    #expect(refused.errors.contains("--force"))
    #expect(try Data(contentsOf: sample.scratch("photo.png")) == photo)

    for name in ["own.png", "own.jpg"] {
      #expect(try await edit("-o", name, "--save-recipe", "\(name).json").status == 0)
      #expect(try await edit("-o", name, "--save-recipe", "\(name).json").status == 0)
      for changed in [name, "\(name).json"] {
        let data = try Data(contentsOf: sample.scratch(changed)) + [10]
        try data.write(to: sample.scratch(changed))
        #expect(try await edit("-o", name, "--save-recipe", "\(name).json").status == 64)
        #expect(try Data(contentsOf: sample.scratch(changed)) == data)
        #expect(try await edit("-o", name, "--save-recipe", "\(name).json", "--force").status == 0)
      }
    }
    #expect(try await edit().output.hasPrefix("photo.edit.png\n"))
    #expect(try await edit().output.hasPrefix("photo.edit-2.png\n"))
  }

  @Test("the photo of an inversion is not replaced, even if the program made it") func photo() async throws {
    let sample = try await Sample()
    let made = try await sample.run([
      "generate", "--prompt", "a cat", "--model", Sample.model, "--steps", "1", "-o", "made.png", "--quiet",
    ])
    #expect(made.status == 0, "\(made.errors)")
    #expect(try await invert(sample, "made.png", "a cat", "-o", "made.nti").status == 0)
    let edit = [
      "edit", "made.nti", "--model", Sample.model, "--prompt", "a dog", "-o", "made.png", "--quiet",
    ]
    let refused = try await sample.run(edit)
    #expect(refused.status == 64)
    #expect(refused.errors.contains("the photo that was inverted"))
    #expect(try await sample.run(edit + ["--force"]).status == 0)
  }

  @Test("a report replaces only files that the program wrote") func report() async throws {
    let sample = try await Sample()
    for _ in 0..<2 {
      #expect(try await invert(sample, "photo.png", "a cat", "--report", "report").status == 0)
    }
    try Data("mine".utf8).write(to: sample.scratch("report/losses.svg"))
    let refused = try await invert(sample, "photo.png", "a cat", "--report", "report")
    #expect(refused.status == 64)
    #expect(refused.errors.contains("losses.svg"))
    #expect(try sample.scratch.text("report/losses.svg") == "mine")
  }
}
