internal import ArgumentParser
internal import EmojiScenes
internal import Foundation
internal import NullTextInversion

/// Shows the whole method on a picture and a model that come with the program.
struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Invert and edit the bundled sample with the bundled model, and write a contact sheet.")

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write to; it is made.", valueName: "folder"))
  var output = "nti-demo"

  @OptionGroup var work: WorkOptions

  func run() async throws {
    let work = work.start()
    let folder = try DemoFolder(output)
    let scene = DemoScene.bundled
    let picture = try RGBImage(contentsOf: EmojiScenes.picture(scene.picture))
    let checkpoint = try Checkpoint(ModelSource.emojiScenes.folder())
    let log = DemoLog(work)
    let editor = try await checkpoint.load(work.progress)
    let photo = try editor.model.prepare(picture).image
    try folder.write(photo, "photo", log, "the photo: \(scene.caption)")

    log.begin("DDIM inversion")
    var options = InversionOptions()
    options.method = .ddim
    let ddim = try await editor.invert(
      image: photo, caption: scene.caption, options: options, progress: work.progress.handler)
    let drifted = try await ddim.reconstruction()
    let bound = try await ddim.autoencoded()
    try folder.write(bound, "autoencoder", log, "the autoencoder alone", psnr: ddim.inversion.psnrBound)
    try folder.write(
      drifted, "ddim", log, "DDIM at guidance \(options.guidance)", psnr: ddim.inversion.psnr, isTimed: true)

    log.begin("null-text inversion")
    options.method = .nullText
    let inverted = try await editor.invert(
      image: photo, caption: scene.caption, options: options, progress: work.progress.handler)
    let inversion = inverted.inversion
    let file = folder.file("inversion.nti")
    try inversion.write(to: file.url)
    let reconstruction = try await inverted.reconstruction()
    try folder.write(
      reconstruction, "null-text", log, "null-text at guidance \(options.guidance)", psnr: inversion.psnr,
      isTimed: true)

    var cells = [
      ContactSheet.Cell(photo, label: "photo: \(scene.caption)"),
      ContactSheet.Cell(bound, label: "autoencoder alone, \(Format.decibels(inversion.psnrBound))"),
      ContactSheet.Cell(drifted, label: "DDIM at guidance 7.5, \(Format.decibels(ddim.inversion.psnr))"),
      ContactSheet.Cell(
        reconstruction, label: "null-text at guidance 7.5, \(Format.decibels(inversion.psnr))"),
    ]
    for edit in scene.edits {
      log.begin(edit.prompt)
      let edited = try await inverted.edit(
        prompt: edit.prompt, options: edit.options, progress: work.progress.handler)
      try folder.write(
        edited.image, edit.name, log, edit.prompt,
        recipe: EditRecipe(prompt: edit.prompt, options: edit.options),
        isTimed: true)
      cells.append(ContactSheet.Cell(edited.image, label: edit.prompt))
    }
    let sheet = folder.file("contact-sheet.png")
    try sheet.write(ContactSheet(cells, columns: 4).rendered())

    var report = Report(seconds: work.seconds, evaluations: editor.model.unet.counter.total, about: inversion)
    report.output = sheet.path
    report.inversion = file.path
    report.psnrDDIM = ddim.inversion.psnr
    report.pictures = log.pictures
    try work.finish(report, "\(sheet.path)  all of them, labelled; \(Format.duration(report.seconds)) in all")
  }
}

/// Where the demo's files go.
private struct DemoFolder {
  let path: String

  /// Makes the folder if there is none.
  ///
  /// - Throws: `UsageError` if it cannot be written to.
  init(_ path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw UsageError("The folder \(path) cannot be made; name another with -o.")
    }
    _ = try OutputFile(file("contact-sheet.png").path)
  }

  func file(_ name: String) -> OutputFile {
    OutputFile(unchecked: (path as NSString).appendingPathComponent(name))
  }

  func write(
    _ image: RGBImage, _ name: String, _ log: DemoLog, _ title: String, psnr: Double? = nil,
    recipe: EditRecipe? = nil, isTimed: Bool = false
  ) throws {
    let file = file(name + ".png")
    let text = try recipe.map { [EditRecipe.textKey: try JSONText.line($0)] }
    try file.write(image, texts: text ?? [:])
    log.add(file.path, title, psnr: psnr, isTimed: isTimed)
  }
}
