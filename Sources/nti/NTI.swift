internal import ArgumentParser
internal import NullTextInversion

/// The root command, with a subcommand for each task.
struct NTI: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nti",
    abstract:
      "Edit photographs by changing words: null-text inversion and prompt-to-prompt with Stable Diffusion checkpoints.",
    discussion: """
      Invert a photo once, then edit it as often as you like:

        nti invert cat.jpg --caption "a cat next to a mirror" \\
          --model CompVis/stable-diffusion-v1-4
        nti edit cat.jpg.nti --prompt "a tiger next to a mirror" \\
          --model CompVis/stable-diffusion-v1-4

      Without --model, nti uses the bundled model, which is trained on drawn scenes of emoji only. `nti demo` runs every \
      stage with it.

      Exit codes: 0 done, 64 wrong usage, 65 bad data, 66 missing input, 70 internal error, 130 interrupted.
      """,
    version: libraryVersion,
    subcommands: [
      Invert.self, Edit.self, Reconstruct.self, Generate.self, Demo.self, Inspect.self, Maps.self,
      Tokens.self, Convert.self, Evaluate.self, Benchmark.self,
    ])
}
