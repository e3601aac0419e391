internal import ArgumentParser
internal import NullTextInversion

/// The guidance scale and the settings of prompt-to-prompt.
struct WordSettings: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The guidance scale (default: the model's recommendation, or the inversion's).", valueName: "w"))
  var guidance: Double?

  @Option(
    help: ArgumentHelp(
      """
      The steps that use the source's cross-attention (default: 0.8): a fraction, a range as in 0.1:0.5, several \
      separated by commas for a contact sheet, or WORD=0.1:0.4 for one word. Repeatable.
      """, valueName: "window"), transform: CrossStepsArgument.init(parsing:))
  var crossSteps: [CrossStepsArgument] = []

  @Option(
    help: ArgumentHelp(
      """
      The steps that use the source's self-attention (default: 0.4): a fraction, a range, or several. More steps \
      preserve more of the layout.
      """, valueName: "window"), transform: WindowList.init(parsing:))
  var selfSteps: WindowList?

  @Option(
    help: ArgumentHelp(
      "The side of the largest attention grid that --self-steps acts on (default: 32).", valueName: "n"))
  var selfGrid: Int?

  @Option(
    help: ArgumentHelp(
      "A factor for the attention to a word; may be negative. Repeatable.", valueName: "word=weight"),
    transform: Emphasis.init(parsing:))
  var emphasis: [Emphasis] = []

  @Option(
    help: ArgumentHelp(
      "How words are matched: one for one (replace), by aligning the prompts (refine), or chosen by the number of words "
        + "(auto, the default).",
      valueName: "controller"))
  var controller: ControllerName?
}

/// The settings of the region that may change.
struct RegionSettings: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Restrict the change to the region of these words of caption and prompt. Repeatable.",
      valueName: "source,target"),
    transform: LocalBlend.Words.init(parsing:))
  var blend: [LocalBlend.Words] = []

  @Option(
    help: ArgumentHelp("Exclude the region of this word from the change. Repeatable.", valueName: "word"))
  var blendSubtract: [String] = []

  @Option(
    help: ArgumentHelp(
      "The share of its maximum that attention must exceed (default: 0.3); b is for subtracted words.",
      valueName: "a[,b]"), transform: BlendThresholds.init(parsing:))
  var blendThreshold: BlendThresholds?

  @Option(
    help: ArgumentHelp("The fraction of the steps before the first blend (default: 0.2).", valueName: "0…1"))
  var blendStart: Double?

  @Option(
    help: ArgumentHelp(
      "The width of the attention maps of --blend (default: the model's recommendation, or a quarter of the latent's width).",
      valueName: "n"))
  var blendGrid: Int?

  @Option(
    help: ArgumentHelp("A mask, white where the edit may change the picture.", valueName: "file.png"))
  var mask: String?

  @Option(
    help: ArgumentHelp("The width in pixels over which the mask fades out (default: 0).", valueName: "pixels")
  )
  var maskSoftness: Double?
}

/// The control of the edit, and the settings of its steps.
struct ControlSettings: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What preserves the source: attention by words (prompt-to-prompt), nothing (none), its self-attention (masactrl), a "
        + "late start (sdedit), or the surroundings of a removed object (removal).",
      valueName: "control"))
  var control: ControlName?

  @Option(
    help: ArgumentHelp("For sdedit: the last fraction of the steps, which is run again.", valueName: "0…1"))
  var strength: Double?

  @Option(
    help: ArgumentHelp(
      "For removal: the word of the caption whose object is removed; --blend with the same word preserves the rest. "
        + "Repeatable.",
      valueName: "word"))
  var remove: [String] = []

  @Option(
    help: ArgumentHelp(
      "For masactrl: the fraction of the steps before it begins (default: 0.08).", valueName: "0…1"))
  var masactrlStart: Double?

  @Option(
    help: ArgumentHelp(
      "For masactrl: the first transformer block that it acts on (default: 0).", valueName: "n"))
  var masactrlLayer: Int?

  @Option(
    help: ArgumentHelp(
      "For masactrl: the side of the largest attention grid that it acts on (default: all).", valueName: "n"))
  var masactrlGrid: Int?

  @Option(
    help: ArgumentHelp(
      "How a step is computed from the predictions: \(StepRuleName.optionNames) (default: the rule of the inversion method).",
      valueName: "rule"),
    transform: StepRuleName.init(optionName:))
  var stepRule: StepRuleName?

  @Option(
    help: ArgumentHelp(
      "For difference and h-edit: the guidance scale of the caption (default: 1; for h-edit, 0.9 of --guidance).",
      valueName: "w"))
  var sourceGuidance: Double?

  @Option(
    help: ArgumentHelp(
      "The null embedding of the new prompt: fitted (0), empty (1), or an interpolation, optionally in a window of the steps "
        + "only, as in 0.5@0.4:1 (default: fitted).", valueName: "0…1[@window]"),
    transform: TargetNull.init(parsing:))
  var nullEmbedding: TargetNull?

  @Option(
    help: ArgumentHelp(
      "Drop this share of the guidance differences, smallest first (ProxEdit; 0.4 equals the published 0.7).",
      valueName: "0…1"))
  var proximal: Double?

  @Option(
    help: ArgumentHelp(
      "With --proximal: how far late steps pull unchanged places back to the source (default: 1).",
      valueName: "0…1"))
  var pullBack: Double?

  @Option(
    help: ArgumentHelp(
      "Replace the latents by the source's, except in this last fraction of the steps.", valueName: "0…1"),
    transform: SpatialReplace.init(parsing:))
  var spatialReplace: SpatialReplace?
}
