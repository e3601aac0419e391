internal import ArgumentParser
internal import NullTextInversion

/// The root command: a verb for each thing that can be done.
struct NTI: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nti",
    abstract:
      "Edit photographs by words: null-text inversion and prompt-to-prompt on Stable Diffusion checkpoints.",
    discussion: """
      Invert a photo once, then edit it as often as you like:

        nti invert cat.jpg --caption "a cat next to a mirror" \\
          --model CompVis/stable-diffusion-v1-4
        nti edit cat.jpg.nti --prompt "a tiger next to a mirror" \\
          --model CompVis/stable-diffusion-v1-4

      Without --model the bundled model is used, which only knows drawn scenes of emoji: `nti demo` shows all of it at work.

      Exit codes: 0 done, 64 wrong usage, 65 bad data, 66 missing input, 70 internal error, 130 interrupted.
      """,
    version: libraryVersion,
    subcommands: [
      Invert.self, Edit.self, Reconstruct.self, Generate.self, Demo.self, Inspect.self, Maps.self,
      Tokens.self, Convert.self, Evaluate.self, Benchmark.self,
    ])
}
