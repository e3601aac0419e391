import Foundation
import Tensor
import TestSupport
import Testing

@testable import EditEvaluation
@testable import NullTextInversion

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite("Report on an inversion") struct ReportTests {
  private static func options(_ change: (inout InversionOptions) -> Void = { _ in }) -> InversionOptions {
    var options = InversionOptions()
    options.steps = 3
    options.nullText?.innerSteps = 2
    change(&options)
    return options
  }

  private static let photo = EvaluationBench.picture(seed: 1, width: 40, height: 24)
  private static let work = Task {
    let editor = try await ImageEditor(model: .directory(Fixtures.url("models/plain-first")))
    let inverted = try await editor.invert(image: photo, caption: "a cat <on> the mat", options: options())
    let before = editor.model.counter.total
    let pictures = try await editor.reportPictures(of: inverted, photo: photo)
    return (
      editor: editor, inverted: inverted, pictures: pictures, spent: editor.model.counter.total - before
    )
  }

  @Test("the report has the steps of the inversion and the fidelity of each picture")
  func content() async throws {
    let (editor, inverted, pictures, spent) = try await Self.work.value
    let inversion = inverted.inversion
    // Sampling without optimization takes two evaluations per step; nothing else evaluates the network.
    #expect(spent.forward == 2 * inversion.stepCount)
    let report = InversionReport(inverted, pictures: pictures, duration: .seconds(1.5))

    #expect(pictures.photo == (try editor.model.prepare(Self.photo)).image)
    #expect(abs(report.reconstruction.psnr - inversion.psnr) < 1e-9)
    #expect(abs(report.autoencoder.psnr - inversion.psnrBound) < 1e-9)
    #expect(report.ddim.psnr == ImageMetrics.psnr(pictures.ddim, pictures.photo))
    #expect(report.reconstruction.ssim == ImageMetrics.ssim(pictures.reconstruction, pictures.photo))
    #expect(
      report.steps.map(\.innerSteps) == inversion.innerSteps
        && report.innerSteps == inversion.innerSteps.reduce(0, +))
    #expect(report.steps.map(\.loss) == inversion.losses)
    #expect(report.steps.map(\.threshold) == [1e-5, 1e-5 + 2e-5, 1e-5 + 4e-5])
    #expect(report.evaluations == inverted.evaluations && report.duration == .seconds(1.5))
    let last = zip(inversion.trajectory[3].scalars, inversion.pivots[0].scalars).map { ($0 - $1) * ($0 - $1) }
    let mean = Double(last.reduce(0, +)) / Double(last.count)
    #expect(abs(report.steps[2].distance - mean) <= 1e-5 * mean)
  }

  @Test("DDIM alone equals null-text inversion without inner iterations")
  func ddim() async throws {
    let options = Self.options { $0.nullText?.innerSteps = 0 }
    let (editor, _, pictures, _) = try await Self.work.value
    let plain = try await editor.invert(image: Self.photo, caption: "a cat <on> the mat", options: options)
    let reconstruction = try await plain.reconstruction()
    #expect(reconstruction == pictures.ddim)
    #expect(reconstruction != pictures.reconstruction)
    let report = InversionReport(plain, pictures: pictures, duration: .seconds(0))
    for step in report.steps { #expect(step.loss == nil && step.threshold == nil && step.innerSteps == 0) }
  }

  @Test("a photo with another size than the inverted one is rejected")
  func otherPhoto() async throws {
    let (editor, inverted, _, _) = try await Self.work.value
    let other = EvaluationBench.picture(seed: 1, width: 41, height: 24)
    await #expect(throws: InputError.self) { try await editor.reportPictures(of: inverted, photo: other) }
  }

  @Test("the report is written as JSON, a chart and pictures, and the JSON can be read")
  func writing() async throws {
    let (_, inverted, pictures, _) = try await Self.work.value
    let report = InversionReport(inverted, pictures: pictures, duration: .seconds(0.25))
    let folder = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString)/deeper")
    defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
    try report.write(to: folder, pictures: pictures)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(Set(names) == Set(InversionReport.fileNames))
    let data = try Data(contentsOf: folder.appending(path: "report.json"))
    #expect(try ResultJSON.decode(InversionReport.self, from: data) == report)
    for (name, picture) in pictures.named {
      #expect(try RGBImage(contentsOf: folder.appending(path: "\(name).png")) == picture)
    }
  }
}

@Suite("Loss chart") struct ReportChartTests {
  private func report(_ steps: [InversionReport.Step], caption: String = "a cat") throws -> InversionReport {
    let latent = Tensor(zeros: [2, 2, 4])
    let picture = RGBImage(width: 16, height: 16)
    let schedule = ScheduleRecord(stepsOffset: 1, finalAlpha: .first, prediction: .epsilon)
    var options = InversionOptions()
    options.steps = 1
    let inversion = Inversion(
      caption: caption, options: options, schedule: schedule, modelFingerprint: "f",
      sourceSize: PixelSize(width: 16, height: 16), crop: picture.bounds, pictureFingerprint: "p",
      pivots: [latent, latent],
      nullEmbeddings: [latent], trajectory: [latent, latent], losses: [0.1], innerSteps: [1], psnr: 1,
      psnrBound: 2)
    let pictures = ReportPictures(
      photo: picture, autoencoder: picture, ddim: picture, reconstruction: picture)
    var report = InversionReport(
      inversion, pictures: pictures, evaluations: EvaluationCount(), duration: .seconds(1))
    report.steps = steps
    return report
  }

  private func steps(_ count: Int) -> [InversionReport.Step] {
    (1...count).map { number in
      let unit = Double(number) * 1e-5
      return InversionReport.Step(
        innerSteps: 1 + number % 10, loss: Float(unit), threshold: 2 * unit, distance: unit / 2)
    }
  }

  @Test(
    "the chart is well-formed with any caption",
    arguments: ["a <b> & \"c\" ]]>", "\u{0}\u{1B}[31m\n", "猫 🐈", ""])
  func wellFormed(_ caption: String) throws {
    let elements = try Elements(of: LossChart(report(steps(5), caption: caption)).svg)
    #expect(elements.counts["svg"] == 1)
  }

  @Test("the chart has a bar for each step with iterations and a dot for each loss", arguments: [1, 7, 50])
  func marks(_ count: Int) throws {
    var all = steps(count)
    let elements = try Elements(of: LossChart(report(all)).svg)
    #expect(elements.counts["circle"] == count)
    // The other rectangles are the background and two frames.
    #expect(elements.counts["rect"] == count + 3)
    all[0] = .init(innerSteps: 0, loss: nil, threshold: nil, distance: 0)
    let fewer = try Elements(of: LossChart(report(all)).svg)
    #expect((fewer.counts["circle"] ?? 0) == count - 1 && fewer.counts["rect"] == count + 2)
  }

  @Test("all elements are inside the chart")
  func inside() throws {
    let elements = try Elements(of: LossChart(report(steps(50))).svg)
    #expect(elements.places.count > 100)
    #expect(elements.places.allSatisfy { (0...880).contains($0.x) && (0...580).contains($0.y) })
  }

  @Test("latents that equal the pivots in every step are stated in words")
  func empty() throws {
    let step = InversionReport.Step(innerSteps: 0, loss: nil, threshold: nil, distance: 0)
    let flat = [step, step, step]
    #expect(try LossChart(report(flat)).svg.contains("The latents equal the pivots in every step."))
  }

  @Test("the logarithmic axis has whole powers of ten around the values")
  func axis() {
    let range = LogRange([3e-5, 0, 2e-3, .nan, .infinity])
    #expect(range.ticks.map(\.label) == ["10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²"])
    #expect(LogRange([1.5e-4]).ticks.map(\.label) == ["10⁻⁴", "2·10⁻⁴", "5·10⁻⁴", "10⁻³"])
    #expect(range.fraction(1e-5) == 0 && abs(range.fraction(1e-2) - 1) < 1e-12)
    #expect(LogRange.superscript(-12) == "⁻¹²" && LogRange.superscript(0) == "⁰")
  }

  @Test("round steps are one, two or five times a power of ten", arguments: [1, 3, 9, 10, 50, 99, 100, 1000])
  func rounding(_ limit: Int) {
    let ticks = LossChart.roundSteps(upTo: limit, about: 10)
    #expect(ticks.first == 0 && ticks.count >= 2 && ticks.count <= 21)
    #expect(ticks.allSatisfy { $0 <= limit })
    let step = ticks[1]
    #expect(["1", "2", "5"].contains { "\(step)".trimmingCharacters(in: ["0"]) == $0 })
  }
}

/// The elements of an XML text; the initializer throws if it is not well-formed.
private final class Elements: NSObject, XMLParserDelegate {
  private(set) var counts: [String: Int] = [:]
  private(set) var places: [(x: Double, y: Double)] = []

  init(of text: String) throws {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    try #require(parser.parse(), "\(String(describing: parser.parserError))")
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String] = [:]
  ) {
    counts[name, default: 0] += 1
    func number(_ key: String) -> Double? { attributes[key].flatMap { Double($0) } }
    if let x = number("x") ?? number("cx"), let y = number("y") ?? number("cy") { places.append((x, y)) }
    if let path = attributes["d"] {
      for point in path.split(whereSeparator: { "ML".contains($0) }) {
        let parts = point.split(separator: " ").compactMap { Double($0) }
        if parts.count == 2 { places.append((parts[0], parts[1])) }
      }
    }
  }
}
