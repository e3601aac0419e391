internal import ArgumentParser
internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// Measures how fast this machine evaluates a model, and what work with it will take.
struct Benchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how fast this machine evaluates a model, and say what inversions and edits will take.",
    discussion: """
      Times some evaluations of each network on random inputs, and compares them with the fastest matrix products of \
      the machine. Nothing is written.
      """)

  @OptionGroup var model: ModelOption

  @Option(
    help: ArgumentHelp(
      "What to measure, with commas between: \(BenchmarkPart.optionNames) (default: all of it).",
      valueName: "parts"),
    transform: { try BenchmarkPart.list($0) })
  var what: [BenchmarkPart] = BenchmarkPart.allCases

  @Option(
    help: ArgumentHelp("The size of the pictures in pixels (default: the model's own).", valueName: "wxh"),
    transform: { try PixelSize(argument: $0) })
  var size: PixelSize?

  @Option(help: ArgumentHelp("How often to measure each part.", valueName: "n"))
  var runs = 3

  @Flag(help: "Say where the time goes: by kind of layer and size of the map, forwards and backwards.")
  var profile = false

  @Option(
    help: ArgumentHelp(
      "Write inputs and results into a safetensors file, for comparisons.", valueName: "file",
      visibility: .hidden))
  var dump: String?

  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard (1...1000).contains(runs) else { throw ValidationError("--runs \(runs): ask for 1 to 1000.") }
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

  /// The size of the latents that were asked for.
  ///
  /// - Throws: `UsageError` if pictures of the size have no latent.
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
