internal import ArgumentParser
internal import DiffusionCore
internal import Foundation

/// Writes a checkpoint in the layout of diffusers.
struct Convert: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a checkpoint as a folder in the layout of diffusers, LoRAs merged.",
    discussion: """
      Tensors keep their type. No command needs this: single files and LoRAs are read as they are. It is for other \
      programs, and for one folder in place of many options.

        nti convert model.safetensors -o model
        nti convert model.safetensors --lora style.safetensors=0.8 -o styled
      """)

  @Argument(help: ArgumentHelp("A model's folder, file or name.", valueName: "file|folder"))
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
