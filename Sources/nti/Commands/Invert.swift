internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// Finds the path through the model that reproduces a photo, and keeps it in a file.
struct Invert: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Invert a photo: find the noise and the null embeddings that reproduce it.",
    discussion: """
      The caption should name what is in the photo and whatever you want to change later. The file that is written is \
      all that edits need.
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

  @OptionGroup(title: "Settings of the inversion") var settings: InversionSettings
  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard caption.contains(where: { !$0.isWhitespace }) else {
      throw ValidationError("The caption is empty; say what the photo shows.")
    }
  }

  func run() async throws {
    let work = work.start()
    let image = try RGBImage(contentsOf: URL(fileURLWithPath: photo))
    try image.checkIsLargeEnough(photo)
    let file = try OutputFile(output ?? photo.replacingPathExtension(with: "nti"), sparing: [photo])
    let checkpoint = try Checkpoint(model.folder())
    try checkpoint.check(caption, as: "caption")

    let editor = try await checkpoint.load(work.progress)
    work.progress.begin()
    let inverted = try await editor.invert(
      image: image, caption: caption, options: settings.options, progress: work.progress.handler)
    try inverted.inversion.write(to: file.url)

    var report = Report(seconds: work.seconds, evaluations: inverted.evaluations, about: inverted.inversion)
    report.inversion = file.path
    try work.finish(report, Self.summary(of: inverted, file.path, seconds: report.seconds))
  }

  private static func summary(of inverted: InvertedImage, _ path: String, seconds: Double) -> String {
    let (inversion, evaluations) = (inverted.inversion, inverted.evaluations)
    return """
      \(path)
        reconstruction \(Format.decibels(inversion.psnr)), the autoencoder alone \(Format.decibels(inversion.psnrBound))
        \(inversion.stepCount) steps, \(inversion.innerSteps.reduce(0, +)) inner iterations, \
      \(evaluations.forward) evaluations forwards and \(evaluations.backward) backwards, \(Format.duration(seconds))
      """
  }
}

/// The options of an inversion.
struct InversionSettings: ParsableArguments {
  @Option(help: ArgumentHelp("The number of sampling steps.", valueName: "n"))
  var steps = 50

  @Option(
    help: ArgumentHelp("The strength of guidance under which the photo is to be reproduced.", valueName: "w"))
  var guidance = 7.5

  @Option(help: ArgumentHelp("The most inner iterations of a step.", valueName: "n"))
  var innerSteps = 10

  @Option(
    help: ArgumentHelp("The loss at which the first step is done; later ones allow more.", valueName: "loss"))
  var earlyStop = 1e-5

  func validate() throws {
    do { try options.validate() } catch { throw ValidationError(error.message) }
  }

  /// The same for the library.
  var options: InversionOptions {
    var options = InversionOptions()
    options.steps = steps
    options.guidance = guidance
    options.innerSteps = innerSteps
    options.earlyStop = earlyStop
    return options
  }
}
