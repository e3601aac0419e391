internal import ArgumentParser
internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// Measures how fast this machine evaluates a model, and estimates the time of inversions and edits.
struct Benchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Measure how fast this machine evaluates a model, and estimate the time of inversions and edits.",
    discussion: """
      Times each network on random inputs, and compares its speed with that of matrix products on this machine. Writes \
      no files.
      """)

  @OptionGroup var model: ModelOption

  @Option(
    help: ArgumentHelp(
      "The parts to measure, separated by commas: \(BenchmarkPart.optionNames) (default: all).",
      valueName: "parts"),
    transform: { try BenchmarkPart.list($0) })
  var what: [BenchmarkPart] = BenchmarkPart.allCases

  @Option(
    help: ArgumentHelp("The size of the pictures in pixels (default: the model's size).", valueName: "wxh"),
    transform: { try PixelSize(argument: $0) })
  var size: PixelSize?

  @Option(help: ArgumentHelp("The number of measurements of each part.", valueName: "n"))
  var runs = 3

  @Flag(
    help: "Print the time by kind of layer, map size and direction, and how the work divides among threads.")
  var profile = false

  @Option(
    help: ArgumentHelp(
      "Write inputs and results to a safetensors file, for comparisons.", valueName: "file",
      visibility: .hidden))
  var dump: String?

  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard (1...1000).contains(runs) else {
      throw ValidationError("--runs \(runs): must be between 1 and 1000.")
    }
  }

  func run() async throws {
    let work = work.start()
    let file = try dump.map { try OutputFile($0, .always) }
    let checkpoint = try model.checkpoint()
    let latent = try latentSize(checkpoint)
    var session = BenchmarkSession(runs: runs) { work.progress.begin($0) }
    session.measureProducts()
    var network = try session.load(checkpoint, latent: latent, isMeasured: what.contains(.load))
    for part in what where part != .load { try session.measure(part, of: &network) }
    session.measureProducts()
    if profile { for part in what where part != .load { try session.countDivision(of: part, &network) } }
    let report = try session.report(of: network, named: model.name, profiles: profile)
    if let file { try network.results.write(to: file.url) }
    work.progress.end()
    print(work.printsJSON ? try JSONText.line(report) : report.text)
  }

  /// Returns the size of the latents of pictures of `--size`.
  ///
  /// - Throws: `UsageError` if a side is not a multiple of the autoencoder's downsampling factor.
  private func latentSize(_ checkpoint: Checkpoint) throws -> PixelSize {
    let unet: UNetConfiguration = try checkpoint.configuration(of: .unet)
    guard let size else { return PixelSize(width: unet.sampleSize.width, height: unet.sampleSize.height) }
    let autoencoder: AutoencoderConfiguration = try checkpoint.configuration(of: .vae)
    let factor = autoencoder.downsamplingFactor
    guard size.width.isMultiple(of: factor), size.height.isMultiple(of: factor) else {
      throw UsageError(
        "--size \(size.width)x\(size.height): both sides must be multiples of \(factor) for this model.")
    }
    return PixelSize(width: size.width / factor, height: size.height / factor)
  }
}
