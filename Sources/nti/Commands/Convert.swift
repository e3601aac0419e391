internal import ArgumentParser
internal import DiffusionCore
internal import Foundation

/// Writes a checkpoint in the diffusers layout.
struct Convert: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a checkpoint as a folder in the diffusers layout, with LoRAs merged.",
    discussion: """
      Tensors keep their types. No other command needs the result: nti reads single files and LoRAs directly. Use it \
      for other programs, or to replace many options by one folder.

        nti convert model.safetensors -o model
        nti convert model.safetensors --lora style.safetensors=0.8 -o styled
      """)

  @Argument(help: ArgumentHelp("The folder, file or name of a model.", valueName: "file|folder"))
  var source: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write.", valueName: "folder"))
  var output: String

  @OptionGroup(title: "Changes to the model") var changes: ModelOption.Changes
  @OptionGroup var work: WorkOptions

  func run() async throws {
    let work = work.start()
    let checkpoint = try Checkpoint(ModelOption.url(named: source), options: changes.options)
    let url = URL(fileURLWithPath: output, isDirectory: true)
    work.progress.begin("writing the UNet")
    try checkpoint.write(to: url) { written in
      if written < 3 {
        work.progress.begin(written == 1 ? "writing the autoencoder" : "writing the text encoder")
      }
    }
    var report = Report(seconds: work.seconds)
    report.output = output
    let fingerprint = try Checkpoint(url).modelFingerprint()
    try work.finish(report, "\(output)\n  fingerprint \(fingerprint), \(Format.duration(report.seconds))")
  }
}
