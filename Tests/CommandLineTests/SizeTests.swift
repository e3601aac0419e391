import Foundation
import NullTextInversion
import TestSupport
import Testing

@Suite("Sizes of photos in nti") struct SizeTests {
  private func invert(_ sample: Sample, _ arguments: String...) async throws -> Program.Outcome {
    try await sample.run(
      [
        "invert", "photo.png", "--caption", Sample.caption, "--model", Sample.model, "--steps", "3",
        "--method",
        "ddim", "-o", "wide.nti",
      ] + arguments)
  }

  @Test("inversion, edits, reconstruction and maps keep the photo's aspect ratio") func auto()
    async throws
  {
    let sample = try await Sample()
    let run = try await invert(sample)
    #expect(run.status == 0 && run.errors.contains("photo.png: using 36x24 of 40x24 pixels, as 24x16"))
    let inversion = try Inversion(contentsOf: sample.scratch("wide.nti"))
    #expect(inversion.pictureSize == PixelSize(width: 24, height: 16) && inversion.options.framing == .auto)
    for arguments in [
      [
        "edit", "wide.nti", "--prompt", "a dog on a mat", "--blend", "cat,dog", "--blend-grid", "4",
        "--save-mask", "m.png",
      ],
      ["edit", "wide.nti", "--prompt", "a dog on a mat", "--mask", "m.png", "-o", "own.png"],
      ["edit", "wide.nti", "--prompt", "a dog on a mat", "--self-steps", "0,1", "-o", "sheet.png"],
      ["reconstruct", "wide.nti"], ["maps", "wide.nti"],
    ] {
      let run = try await sample.run(arguments + ["--model", Sample.model])
      #expect(run.status == 0, "\(arguments): \(run.errors)")
    }
    for name in ["wide.edit.png", "m.png", "own.png", "wide.reconstruction.png"] {
      let picture = try sample.picture(name)
      #expect(picture.width == 24 && picture.height == 16, "\(name)")
    }
    let report = try await sample.run(["inspect", "wide.nti", "--json"]).json()
    let metadata = try #require(report["metadata"] as? [String: String])
    #expect(metadata["picture_size"] == "24x16" && metadata["crop"] == "2,0,36,24")
  }

  @Test("--size, --crop and --fit set the size and the crop")
  func framings() async throws {
    let sample = try await Sample()
    for (arguments, size, crop) in [
      (["--size", "square"], "16x16", "8,0,24,24"), (["--size", "32x8"], "32x8", "0,7,40,10"),
      (["--crop", "4,2,20,20"], "16x16", "4,2,20,20"), (["--fit", "--size", "square"], "16x16", "0,0,40,24"),
    ] {
      let run = try await sample.run(
        [
          "invert", "photo.png", "--caption", Sample.caption, "--model", Sample.model, "--steps", "2",
          "--method",
          "ddim", "--force", "-o", "a.nti",
        ] + arguments)
      #expect(run.status == 0, "\(run.errors)")
      let inversion = try Inversion(contentsOf: sample.scratch("a.nti"))
      #expect(
        inversion.pictureSize?.description == size && inversion.crop.description == crop, "\(arguments)")
    }
  }

  @Test(
    "a size that the model does not support is rejected with a supported one",
    arguments: ["30x16", "8x8x8", "large", "8x4000"])
  func refused(size: String) async throws {
    let sample = try await Sample()
    let run = try await invert(sample, "--size", size)
    #expect(run.status == 64)
    #expect(run.errors.contains(size == "30x16" ? "32x16" : "size"), "\(run.errors)")
    let generated = try await sample.run([
      "generate", "--prompt", "a cat", "--model", Sample.model, "--size", size,
    ])
    #expect(generated.status == 64)
  }

  @Test("an inversion with another framing is not replaced")
  func otherFraming() async throws {
    let sample = try await Sample()
    #expect(try await invert(sample).status == 0)
    let run = try await invert(sample, "--size", "square")
    #expect(run.status == 64 && run.errors.contains("another part or size of the picture"))
  }

  @Test("pictures are generated at the given size") func generate() async throws {
    let sample = try await Sample()
    let run = try await sample.run([
      "generate", "--prompt", "a cat", "--model", Sample.model, "--steps", "2", "--size", "32x16", "-o",
      "g.png",
    ])
    #expect(run.status == 0, "\(run.errors)")
    let picture = try sample.picture("g.png")
    #expect(picture.width == 32 && picture.height == 16)
  }

  @Test("an edit is pasted into the photo at the photo's size, with its recipe") func pasteBack() async throws
  {
    let sample = try await Sample()
    #expect(try await invert(sample).status == 0)
    let photo = try sample.picture("photo.png")
    func edit(_ arguments: String...) async throws -> Program.Outcome {
      try await sample.run(
        ["edit", "wide.nti", "--model", Sample.model, "--preset", "published"] + arguments)
    }
    let run = try await edit("--prompt", "a dog on a mat", "--paste-back", "photo.png", "-o", "p.png")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try sample.recipe(in: "p.png")["prompt"] as? String == "a dog on a mat")
    let same = try await edit(
      "--prompt", Sample.caption, "--prompt", "a dog on a mat", "--paste-back", "photo.png", "-o", "q.png")
    #expect(same.status == 0, "\(same.errors)")
    #expect(try sample.picture("q.1.png") == photo)
    #expect(try sample.picture("q.2.png") == sample.picture("p.png"))
    #expect(try sample.picture("p.png").width == 40)

    let sheet = try await edit(
      "--prompt", "a dog on a mat", "--self-steps", "0,1", "--paste-back", "photo.png", "-o", "s.png")
    #expect(sheet.status == 64 && sheet.errors.contains("--paste-back"))
    let other = try await edit("--prompt", "a dog on a mat", "--paste-back", "p.png", "-o", "s.png")
    let isSame = try sample.picture("p.png") == photo
    #expect(isSame || other.status == 65, "\(other.errors)")
    let over = try await edit("--prompt", "a dog on a mat", "--paste-back", "photo.png", "-o", "photo.png")
    #expect(over.status == 64)
    #expect(try sample.picture("photo.png") == photo)
    let forced = try await edit(
      "--prompt", "a dog on a mat", "--paste-back", "photo.png", "-o", "photo.png", "--force")
    #expect(forced.status == 0, "\(forced.errors)")
    #expect(try sample.picture("photo.png") == sample.picture("p.png"))
  }
}
