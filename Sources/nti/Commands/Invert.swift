internal import ArgumentParser
internal import EditEvaluation
internal import Foundation
internal import NullTextInversion

/// Finds the path through the model that reproduces a photo, and keeps it in a file.
struct Invert: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Invert a photo: find the noise and the null embeddings that reproduce it.",
    usage: "nti invert <photo> --caption <text> [<options>]",
    discussion: """
      The caption should name what is in the photo and whatever you want to change later. The file that is written is \
      all that edits need. While the work lasts it is kept with the extension .partial; stopped and started again \
      with the same arguments, it goes on from there.
      """)

  @Argument(help: ArgumentHelp("A PNG or JPEG file.", valueName: "photo"))
  var photo: String

  @Option(help: ArgumentHelp("What the photo shows.", valueName: "text"))
  var caption: String

  @OptionGroup var model: ModelOption

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The inversion to write (default: beside the photo, with the extension .nti).", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "How the null embeddings are found: \(InversionMethod.Name.optionNames) (default: null-text).",
      valueName: "method"),
    transform: InversionMethod.Name.init(optionName:))
  var method = InversionMethod.Name.nullText

  @Option(
    help: ArgumentHelp(
      "The longest that the inversion may take, as in 60s or 2m; fewer inner iterations are made where they matter least.",
      valueName: "time"),
    transform: { try InversionSettings.duration($0) })
  var budget: Duration?

  @Option(
    help: ArgumentHelp(
      "Write losses, fidelity and pictures of the inversion into a folder.", valueName: "folder"))
  var report: String?

  @OptionGroup(title: "Settings of the inversion") var settings: InversionSettings
  @OptionGroup var memory: MemoryOption
  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard caption.contains(where: { !$0.isWhitespace }) else {
      throw ValidationError("The caption is empty; say what the photo shows.")
    }
    try settings.check(for: [method], budget: budget)
  }

  func run() async throws {
    let work = work.start()
    let image = try RGBImage(contentsOf: URL(fileURLWithPath: photo))
    try image.checkIsLargeEnough(photo)
    let file = try OutputFile(output ?? photo.replacingPathExtension(with: "nti"), sparing: [photo])
    let reportFolder = try report.map { try OutputFolder(checking: $0) }
    let checkpoint = try Checkpoint(model.folder())
    try checkpoint.check(caption, as: "caption")

    let options = settings.options(method, budget: budget)
    let limits = try memory.limits(for: checkpoint.folder, inverting: [options.method])
    let editor = try await checkpoint.load(work.progress, memory: limits)
    work.progress.begin()
    let inverted = try await editor.invert(
      image: image, caption: caption, options: options, files: InversionFiles(result: file.url),
      progress: InversionForecast(options, on: work.progress).handler)

    var report = Report(seconds: work.seconds, evaluations: inverted.evaluations, about: inverted.inversion)
    report.inversion = file.path
    if let reportFolder {
      work.progress.begin("writing the report")
      let pictures = try await editor.reportPictures(of: inverted, photo: image)
      try InversionReport(inverted, pictures: pictures, duration: .seconds(report.seconds))
        .write(to: reportFolder.url, pictures: pictures)
      report.reportFolder = reportFolder.path
    }
    report.stepsCutShort = budget == nil ? nil : inverted.inversion.stepsCutShort
    try work.finish(report, Self.summary(of: inverted, file.path, seconds: report.seconds))
  }

  private static func summary(of inverted: InvertedImage, _ path: String, seconds: Double) -> String {
    let (inversion, evaluations) = (inverted.inversion, inverted.evaluations)
    return """
      \(path)
        reconstruction \(Format.decibels(inversion.psnr)), the autoencoder alone \(Format.decibels(inversion.psnrBound))
        \(inversion.stepCount) steps, \(inversion.innerSteps.reduce(0, +)) inner iterations, \
      \(evaluations.forward) evaluations forwards and \(evaluations.backward) backwards, \(Format.duration(seconds))
      """ + cutShort(inversion)
  }

  private static func cutShort(_ inversion: Inversion) -> String {
    guard inversion.options.nullText?.budget != nil else { return "" }
    return inversion.stepsCutShort == 0
      ? "\n  the budget cut nothing short"
      : "\n  the budget cut \(inversion.stepsCutShort) of \(inversion.stepCount) steps short"
  }
}
