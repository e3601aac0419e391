internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// Writes the reconstruction of an inversion.
struct Reconstruct: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the picture that an inversion reconstructs.")

  @Argument(help: ArgumentHelp("An inversion.", valueName: "file.nti"))
  var inversion: String

  @OptionGroup var model: ModelOption

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The picture to write (default: the inversion's name with .reconstruction.png).", valueName: "file"))
  var output: String?

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var memory: MemoryOption
  @OptionGroup var work: WorkOptions

  func run() async throws {
    let work = work.start()
    let path = inversion
    let inversion = try Inversion(contentsOf: URL(fileURLWithPath: path))
    let file = try OutputFile.picture(
      output ?? path.replacingPathExtension(with: "reconstruction.png").firstFreePath(), overwrite,
      sparing: [path])
    let chosen = try model.open()
    try chosen.check(inversion, path)
    try chosen.checkSparesPhoto([file], of: InversionArguments(of: inversion), overwrite)

    let limits = try memory.limits(for: chosen.checkpoint, pictureSize: inversion.pictureSize)
    let editor = try await chosen.load(work.progress, memory: limits)
    try file.write(await editor.open(inversion).reconstruction())

    var report = Report(seconds: work.seconds, evaluations: editor.model.counter.total, about: inversion)
    report.output = file.path
    try work.finish(
      report,
      """
      \(file.path)
        \(Format.decibels(inversion.psnr)) against the photo, autoencoder alone \(Format.decibels(inversion.psnrBound))
      """)
  }
}
