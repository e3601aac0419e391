internal import ArgumentParser
internal import EditEvaluation
internal import EmojiScenes
internal import Foundation
internal import NullTextInversion

/// Inverts, reconstructs and edits the bundled picture with the bundled model.
struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Invert and edit the bundled sample with the bundled model, and write a contact sheet.")

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder to write to; created if needed.", valueName: "folder")
  )
  var output = "nti-demo"

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var work: WorkOptions

  func run() async throws {
    let work = work.start()
    let scene = DemoScene.bundled
    let picture = try RGBImage(contentsOf: EmojiScenes.picture(scene.picture))
    let chosen = try ChosenModel(Checkpoint(.emojiScenes))
    let options = InversionOptions.fast
    let folder = try DemoFolder(
      output, scene, chosen.arguments(of: picture, caption: scene.caption, options: options), overwrite)
    let editor = try await chosen.load(work.progress)
    let photo = try editor.model.prepare(picture).image
    let log = DemoLog(work, folder)
    try log.add(photo, "photo", "the photo: \(scene.caption)", label: "photo: \(scene.caption)")

    log.begin("null-text inversion")
    let inverted = try await editor.invert(
      image: picture, caption: scene.caption, options: options, progress: work.progress.handler)
    let (inversion, inversionSeconds) = (inverted.inversion, log.stageSeconds)
    let file = folder.file("inversion.nti")
    try inversion.write(to: file.url)

    log.begin("DDIM reconstruction")
    let pictures = try await editor.reportPictures(of: inverted, photo: photo)
    let psnrDDIM = ImageMetrics.psnr(pictures.ddim, photo)
    let seconds = log.stageSeconds
    try log.add(
      pictures.autoencoder, "autoencoder", "the autoencoder alone", psnr: inversion.psnrBound,
      label: "autoencoder alone")
    try log.add(
      pictures.ddim, "ddim", "DDIM at guidance \(options.guidance)", psnr: psnrDDIM, seconds: seconds)
    try log.add(
      pictures.reconstruction, "null-text", "null-text, fast, at guidance \(options.guidance)",
      psnr: inversion.psnr,
      label: "null-text, fast", seconds: inversionSeconds)
    for edit in scene.edits {
      log.begin(edit.prompt)
      let options = editor.recommendation.editOptions(from: scene.caption, to: edit.prompt)
      let edited = try await inverted.edit(
        prompt: edit.prompt, options: options, progress: work.progress.handler)
      try log.add(
        edited.image, edit.name, edit.prompt, recipe: EditRecipe(prompt: edit.prompt, options: options),
        seconds: log.stageSeconds)
    }
    let sheet = folder.file("contact-sheet.png")
    try sheet.write(log.contactSheet.rendered())

    var report = Report(seconds: work.seconds, evaluations: editor.model.counter.total, about: inversion)
    report.output = sheet.path
    report.inversion = file.path
    report.psnrDDIM = psnrDDIM
    report.pictures = log.pictures
    try work.finish(
      report, "\(sheet.path)  all pictures, labeled; \(Format.duration(report.seconds)) in total")
  }
}
