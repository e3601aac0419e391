internal import ArgumentParser
internal import EditEvaluation
internal import Foundation
internal import NullTextInversion

/// Inverts photos, and writes each inversion to a file.
struct Invert: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Invert a photo: find the noise and the null embeddings that reproduce it.",
    usage:
      "nti invert <photo> --caption <text> [<options>]\nnti invert <photo> … --captions <file> [<options>]",
    discussion: """
      The caption should name what is in the photo and everything that you want to change later. Edits need only the \
      inversion. Unfinished work is kept in a file with the extension .partial; the same command resumes it.

        nti invert fox.png --caption "a fox next to a strawberry on sand"
        nti invert cat.jpg --caption "a cat next to a mirror" \\
          --model CompVis/stable-diffusion-v1-4 --method direct
      """)

  /// The most common options.
  struct Common: ParsableArguments {
    @Option(help: ArgumentHelp("A description of the photo.", valueName: "text"))
    var caption: String?

    @Option(
      help: ArgumentHelp(
        "A file with one caption per line, in the order of the photos.", valueName: "file"))
    var captions: String?

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "The inversion to write (default: next to the photo, as photo.jpg.nti).", valueName: "file"))
    var output: String?

    @OptionGroup var model: ModelOption

    @Option(
      help: ArgumentHelp(
        "The inversion method: \(PublishedMethod.optionNames) (default: null-text).",
        valueName: "method"),
      transform: PublishedMethod.init(optionName:))
    var method: PublishedMethod?

    @Option(
      help: ArgumentHelp(
        "Choose the method and the steps by the quality of edits: \(EditQuality.optionNames).",
        valueName: "quality"),
      transform: EditQuality.init(optionName:))
    var quality: EditQuality?

    @Option(
      help: ArgumentHelp(
        "The time limit, as in 60s or 2m; inner iterations are left out where they matter least.",
        valueName: "time"),
      transform: { try InversionSettings.duration($0) })
    var budget: Duration?

    @Option(
      help: ArgumentHelp(
        "A mask, white where the picture may change; only for inpainting models, which require it.",
        valueName: "file.png"))
    var mask: String?

    @Option(
      help: ArgumentHelp(
        "Write a report to this folder: losses, fidelity and pictures of the inversion.", valueName: "folder")
    )
    var report: String?
  }

  @Argument(help: ArgumentHelp("PNG, JPEG or WebP files.", valueName: "photo"))
  var photos: [String]

  @OptionGroup(title: "Common options") var common: Common
  @OptionGroup(title: "Crop and size") var part: FramingOptions
  @OptionGroup(title: "Inversion settings") var settings: InversionSettings
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var memory: MemoryOption
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if photos.count > 1 {
      guard common.captions != nil else {
        throw ValidationError(
          "\(photos.count) photos are given. Give a file with one caption per line by --captions.")
      }
      guard common.output == nil, common.report == nil else {
        throw ValidationError("--output and --report need a single photo, but \(photos.count) are given.")
      }
    }
    switch (common.caption, common.captions) {
    case (nil, nil): throw ValidationError("There is no caption. Describe the photo with --caption.")
    case (_?, _?): throw ValidationError("--caption and --captions are both given; give one of them.")
    case (let caption?, nil):
      guard caption.contains(where: { !$0.isWhitespace }) else {
        throw ValidationError("The caption is empty. Describe the photo.")
      }
    case (nil, _?): break
    }
    guard common.method == nil || common.quality == nil else {
      throw ValidationError("--method and --quality are both given; give one of them.")
    }
    try settings.check(for: [methodName], budget: common.budget)
  }

  /// The minimum PSNR in dB that the bundled model's autoencoder reaches on pictures like those it was trained on.
  private static let leastPSNROfKnown = 24.0

  private var methodName: PublishedMethod { common.method ?? (common.quality == nil ? .nullText : .infEdit) }

  private var options: InversionOptions {
    let base = common.quality.map(InversionOptions.preset) ?? methodName.inversion
    var options = settings.options(over: base, budget: common.budget)
    options.framing = part.framing
    return options
  }

  func run() async throws {
    let work = work.start()
    let reportFolder = try common.report.map { try ReportFolder($0, overwrite) }
    let chosen = try common.model.open()
    try part.check(for: chosen)
    let options = options
    let mask = try common.mask.map { try EditMask(RGBImage(contentsOf: URL(fileURLWithPath: $0))) }
    let jobs = try zip(photos, captionOfEach()).reduce(into: [InversionJob]()) { jobs, photo in
      jobs.append(
        try InversionJob(
          photo.0, caption: photo.1, options, mask: mask, chosen, output: common.output,
          sparing: jobs.map(\.file.path), overwrite))
    }
    let largest = jobs.compactMap(\.arguments.pictureSize).max { $0.width * $0.height < $1.width * $1.height }
    let limits = try memory.limits(
      for: chosen.checkpoint, inverting: [options.method], pictureSize: largest)
    let editor = try await chosen.load(work.progress, memory: limits)
    if let quality = common.quality {
      work.progress.note("--quality \(quality.rawValue): \(options.summary)")
    } else if common.method == nil, let hint = settings.quickerMethod(than: options, chosen.recommendation) {
      work.progress.note(hint)
    }
    for (index, job) in jobs.enumerated() {
      work.progress.begin(jobs.count == 1 ? "" : "\(job.photo) (\(index + 1) of \(jobs.count))")
      let rest = CommandRest(
        calls: jobs.count - index - 1, evaluations: common.report == nil ? 0 : 2 * options.steps)
      let begin = work.seconds
      let inverted = try await job.run(editor, before: rest, on: work.progress)
      try await finish(
        job, inverted, editor, reportFolder, seconds: work.seconds - (jobs.count == 1 ? 0 : begin), work)
    }
  }

  /// Returns the captions in the order of the photos.
  ///
  /// - Throws: `UsageError` if the file has another number of captions; `InputError` if it cannot be read.
  private func captionOfEach() throws -> [String] {
    guard let captions = common.captions else { return [common.caption ?? ""] }
    let text = String(decoding: try InputFile(URL(fileURLWithPath: captions)).contents(), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    guard lines.count == photos.count else {
      throw UsageError(
        "\(captions) needs one line per photo, in the same order. It has \(lines.count) for \(photos.count) photos."
      )
    }
    return lines
  }

  private func finish(
    _ job: InversionJob, _ inverted: InvertedImage, _ editor: ImageEditor, _ reportFolder: ReportFolder?,
    seconds: Double, _ work: Work
  ) async throws {
    var report = Report(seconds: seconds, evaluations: inverted.evaluations, about: inverted.inversion)
    report.inversion = job.file.path
    if let reportFolder {
      work.progress.begin("writing the report")
      let pictures = try await editor.reportPictures(
        of: inverted, photo: job.image(), progress: work.progress.handler)
      try reportFolder.write(
        InversionReport(inverted, pictures: pictures, duration: .seconds(seconds)), pictures)
      report.reportFolder = reportFolder.path
    }
    report.stepsCutShort = common.budget == nil ? nil : inverted.inversion.stepsCutShort
    if editor.model.checkpoint.isEmojiScenes, inverted.inversion.psnrBound < Self.leastPSNROfKnown {
      work.progress.note(
        "The bundled model is trained on drawn scenes of emoji only, and this picture differs from them: its edits will be "
          + "poor. Name a Stable Diffusion model with --model.")
    }
    try work.finish(report, Self.summary(of: inverted, job.file.path, seconds: seconds))
  }

  private static func summary(of inverted: InvertedImage, _ path: String, seconds: Double) -> String {
    let (inversion, evaluations) = (inverted.inversion, inverted.evaluations)
    guard !inverted.isRead else {
      return "\(path) already holds this inversion. Use --force to compute it again."
    }
    return """
      \(path)
        reconstruction \(Format.decibels(inversion.psnr)), autoencoder alone \(Format.decibels(inversion.psnrBound))
        \(inversion.stepCount) steps, \(inversion.innerSteps.reduce(0, +)) inner iterations, \
      \(evaluations.forward) forward and \(evaluations.backward) backward evaluations, \(Format.duration(seconds))
      """ + cutShort(inversion)
  }

  private static func cutShort(_ inversion: Inversion) -> String {
    guard inversion.options.nullText?.budget != nil else { return "" }
    return inversion.stepsCutShort == 0
      ? "\n  the budget shortened no step"
      : "\n  the budget shortened \(inversion.stepsCutShort) of \(inversion.stepCount) steps"
  }
}
