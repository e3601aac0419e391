import Foundation
import NullTextInversion
import Testing

@Suite("nti invert and reconstruct") struct InvertTests {
  @Test("the inversion has the photo's data, and the report its cost") func invert() async throws {
    let sample = try await Sample()
    #expect(try sample.scratch.names == ["photo.nti", "photo.png"])
    let report = sample.report
    #expect(
      Set(report.keys) == ["evaluations", "innerSteps", "inversion", "psnr", "psnrBound", "seconds"])
    #expect(report["inversion"] as? String == "photo.nti")
    let inner = try #require(report.integer("innerSteps"))
    #expect((Sample.steps...2 * Sample.steps).contains(inner))
    #expect(report.integer("evaluations", "forward") == 3 * Sample.steps + inner)
    #expect(report.integer("evaluations", "backward") == inner)
    #expect(report.integer("evaluations", "stem") == 2 * Sample.steps)

    let inversion = try Inversion(contentsOf: sample.scratch("photo.nti"))
    #expect(inversion.caption == Sample.caption)
    #expect(inversion.stepCount == Sample.steps)
    #expect(inversion.sourceSize == PixelSize(width: 40, height: 24))
    #expect(inversion.crop == PixelRect(x: 8, y: 0, width: 24, height: 24))
    // The JSON reader may round the last digit differently.
    let psnr = try #require(report["psnr"] as? Double)
    #expect(abs(inversion.psnr - psnr) < 1e-9)
    #expect(inversion.innerSteps.reduce(0, +) == inner)
  }

  @Test("progress without a terminal is one line per phase, without control characters")
  func plainProgress() async throws {
    let sample = try await Sample()
    #expect(
      sample.errors.split(separator: "\n") == [
        "reading the model",
        "photo.png: using 24x24 of 40x24 pixels, as 16x16", "encoding the photo",
        "decoding the picture", "computing pivots, \(Sample.steps) steps",
        "fitting null embeddings, \(Sample.steps) steps", "decoding the picture",
      ])
    #expect(
      sample.errors.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
  }

  @Test("one and two threads give the same bytes, and --quiet prints no progress") func threads()
    async throws
  {
    let sample = try await Sample()
    for threads in ["1", "2"] {
      let run = try await sample.run([
        "invert", "photo.png", "--caption", Sample.caption, "--model", Sample.model, "--steps",
        "\(Sample.steps)",
        "--inner-steps", "2", "--size", "square", "--threads", threads, "--quiet", "-o", "\(threads).nti",
      ])
      #expect(run.status == 0)
      #expect(run.errors == "")
      #expect(run.output.hasPrefix("\(threads).nti\n"))
    }
    let first = try Data(contentsOf: sample.scratch("1.nti"))
    #expect(try Data(contentsOf: sample.scratch("2.nti")) == first)
    #expect(try Data(contentsOf: sample.scratch("photo.nti")) == first)
  }

  @Test("the reconstruction has the PSNR that the inversion states") func reconstruct() async throws {
    let sample = try await Sample()
    let run = try await sample.run("reconstruct", "--json")
    #expect(run.status == 0)
    let report = try run.json()
    #expect(report["output"] as? String == "photo.reconstruction.png")
    #expect(report.integer("evaluations", "forward") == 0)
    let inversion = try Inversion(contentsOf: sample.scratch("photo.nti"))
    let picture = try sample.picture("photo.reconstruction.png")
    let (photo, _) = try sample.picture("photo.png").prepared(width: picture.width, height: picture.height)
    #expect(abs(ImageMetrics.psnr(picture, photo) - inversion.psnr) < 1e-9)
  }

  @Test("the inversion of each method can be edited", arguments: InversionMethod.Name.allCases)
  func methods(method: InversionMethod.Name) async throws {
    let sample = try await Sample()
    // Both the library's spelling and that of the command line are accepted.
    let name = method == .nullText ? "null-text" : method.rawValue
    let run = try await sample.run([
      "invert", "photo.png", "--caption", Sample.caption, "--model", Sample.model, "--steps", "2",
      "--inner-steps", "1", "--size", "square", "--method", name, "-o", "photo.nti", "--json",
    ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(try Inversion(contentsOf: sample.scratch("photo.nti")).method.name == method)
    #expect(try await sample.run("edit", "--prompt", "a dog on a mat").status == 0)
  }

  @Test("a budget that is too short is rejected with the required time") func budget() async throws {
    let sample = try await Sample()
    let run = try await sample.run([
      "invert", "photo.png", "--caption", Sample.caption, "--model", Sample.model, "--steps", "4", "--budget",
      "0.0001s",
    ])
    #expect(run.status == 65)
    #expect(run.errors.contains("too short") && run.errors.contains("4 steps take at least"))
    #expect(try sample.scratch.names == ["photo.nti", "photo.png"])
  }

  @Test("the steps shortened by a budget are counted, and a report is written") func budgetAndReport()
    async throws
  {
    let sample = try await Sample()
    let run = try await sample.run([
      "invert", "photo.png", "--caption", Sample.caption, "--model", Sample.model, "--steps", "4",
      "--early-stop", "0", "--size", "square",
      "--budget", "1h", "--report", "report", "-o", "photo.nti", "--json",
    ])
    #expect(run.status == 0, "\(run.errors)")
    let report = try run.json()
    #expect(report.integer("stepsCutShort") == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: sample.scratch.path("report"))
    for ending in [".json", ".svg", ".png"] { #expect(names.contains { $0.hasSuffix(ending) }, "\(ending)") }
  }
}
