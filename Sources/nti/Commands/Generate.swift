internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// Generates a picture from a prompt.
struct Generate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Generate a picture from a prompt.",
    discussion: """
        nti generate --prompt "a fox next to a strawberry on sand" --guidance 3
        nti generate --prompt "a cat next to a mirror" \\
          --model CompVis/stable-diffusion-v1-4 --sampler dpm-solver --steps 20
      """)

  @Option(help: ArgumentHelp("What the picture should show.", valueName: "text"))
  var prompt: String

  @OptionGroup var model: ModelOption

  @Option(
    help: ArgumentHelp(
      "The seed of the noise, which is that of torch.manual_seed on a CPU.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("The number of sampling steps.", valueName: "n"))
  var steps = 50

  @Option(help: ArgumentHelp("The guidance scale.", valueName: "w"))
  var guidance = 7.5

  @Option(help: ArgumentHelp("What the picture should not show.", valueName: "text"))
  var negativePrompt = ""

  @Option(
    help: ArgumentHelp(
      "The sampler: \(SamplerName.optionNames) (default: ddim).", valueName: "sampler"),
    transform: SamplerName.init(optionName:))
  var sampler = SamplerName.ddim

  @Option(
    help: ArgumentHelp("The size of the picture in pixels (default: the model's size).", valueName: "wxh"),
    transform: { try PixelSize(argument: $0) })
  var size: PixelSize?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The picture to write (default: generated.png).", valueName: "file"))
  var output: String?

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var memory: MemoryOption
  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard (1...1000).contains(steps) else {
      throw ValidationError("\(steps) steps: must be between 1 and 1000.")
    }
    do { try options.validate() } catch { throw ValidationError(error.message) }
  }

  private var options: GenerationOptions {
    GenerationOptions(
      seed: seed, steps: steps, guidance: guidance, negativePrompt: negativePrompt, sampler: sampler,
      size: size)
  }

  func run() async throws {
    let work = work.start()
    let file = try OutputFile.picture(output ?? "generated.png".firstFreePath(), overwrite)
    let chosen = try model.open()
    if let size { try UsageError.catching { try chosen.pictureSizes.check(size) } }
    try chosen.check(prompt, as: "prompt")
    try chosen.check(negativePrompt, as: "negative prompt")

    let limits = try memory.limits(for: chosen.checkpoint, pictureSize: size)
    let editor = try await chosen.load(work.progress, memory: limits)
    work.progress.begin()
    let image = try await editor.generate(
      prompt: prompt, options: options, progress: work.progress.handler)
    try file.write(image)

    var report = Report(seconds: work.seconds, evaluations: editor.model.counter.total)
    report.output = file.path
    report.seed = seed
    try work.finish(report, "\(file.path)\n  \(steps) steps, \(Format.duration(report.seconds))")
  }
}
