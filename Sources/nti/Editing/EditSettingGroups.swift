internal import ArgumentParser
internal import NullTextInversion

/// How much the words count, and in which steps the photo holds.
struct WordSettings: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The strength of guidance (default: what the model recommends, or the inversion's).", valueName: "w"))
  var guidance: Double?

  @Option(
    help: ArgumentHelp(
      """
      The steps in which words look where they did in the source (default: 0.8): a fraction, a range 0.1:0.5, several \
      with commas between for a contact sheet, or WORD=0.1:0.4 for a word of its own. Repeatable.
      """, valueName: "window"), transform: CrossStepsArgument.init(parsing:))
  var crossSteps: [CrossStepsArgument] = []

  @Option(
    help: ArgumentHelp(
      """
      The steps in which the picture's parts look at each other as in the source (default: 0.4): the higher, the more \
      of its layout stays. A fraction, a range, or several.
      """, valueName: "window"), transform: WindowList.init(parsing:))
  var selfSteps: WindowList?

  @Option(
    help: ArgumentHelp(
      "The side of the largest grid that --self-steps acts on (default: 32).", valueName: "n"))
  var selfGrid: Int?

  @Option(
    help: ArgumentHelp(
      "A factor for the attention to a word; it may be negative. Repeatable.", valueName: "word=weight"),
    transform: Emphasis.init(parsing:))
  var emphasis: [Emphasis] = []

  @Option(
    help: ArgumentHelp(
      "How words are matched: one for one, or by what stays (default: auto, by their number).",
      valueName: "controller"))
  var controller: ControllerName?
}

/// Where the picture may change.
struct RegionSettings: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Change the picture only where these words of the two prompts look. Repeatable.",
      valueName: "source,target"),
    transform: LocalBlend.Words.init(parsing:))
  var blend: [LocalBlend.Words] = []

  @Option(help: ArgumentHelp("Leave alone where this word looks. Repeatable.", valueName: "word"))
  var blendSubtract: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much of its maximum attention must reach (default: 0.3), and that of the subtracted words.",
      valueName: "a[,b]"), transform: BlendThresholds.init(parsing:))
  var blendThreshold: BlendThresholds?

  @Option(
    help: ArgumentHelp("The part of the steps before the first blend (default: 0.2).", valueName: "0…1"))
  var blendStart: Double?

  @Option(
    help: ArgumentHelp(
      "The width of the attention maps of --blend (default: the model's, or a quarter of the latent's).",
      valueName: "n"))
  var blendGrid: Int?

  @Option(
    help: ArgumentHelp("A picture that is white where the edit may change anything.", valueName: "file.png"))
  var mask: String?

  @Option(help: ArgumentHelp("Over how many pixels the mask fades out (default: 0).", valueName: "pixels"))
  var maskSoftness: Double?
}

/// What keeps the picture together besides words, or in their place.
struct ControlSettings: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What keeps the picture together: attention by words, nothing, the source's self-attention, a late start, or for "
        + "removals what is around the thing that goes.",
      valueName: "control"))
  var control: ControlName?

  @Option(help: ArgumentHelp("Of sdedit: the part of the path that is walked again.", valueName: "0…1"))
  var strength: Double?

  @Option(
    help: ArgumentHelp(
      "Of removal: the word of the caption whose thing is to go; --blend of the same word keeps the rest. Repeatable.",
      valueName: "word"))
  var remove: [String] = []

  @Option(
    help: ArgumentHelp(
      "Of masactrl: the part of the steps before it begins (default: 0.08).", valueName: "0…1"))
  var masactrlStart: Double?

  @Option(
    help: ArgumentHelp(
      "Of masactrl: the first transformer block that it acts on (default: 0).", valueName: "n"))
  var masactrlLayer: Int?

  @Option(
    help: ArgumentHelp(
      "Of masactrl: the side of the largest grid that it acts on (default: all).", valueName: "n"))
  var masactrlGrid: Int?

  @Option(
    help: ArgumentHelp(
      "How steps follow from the predictions: \(StepRuleName.optionNames) (default: what the inversion is made for).",
      valueName: "rule"),
    transform: StepRuleName.init(optionName:))
  var stepRule: StepRuleName?

  @Option(
    help: ArgumentHelp(
      "Of difference and h-edit: the strength of guidance under the caption (default: 1; of h-edit 0.9 of --guidance).",
      valueName: "w"))
  var sourceGuidance: Double?

  @Option(
    help: ArgumentHelp(
      "The null embedding of the new prompt: fitted, empty, or how far to go from one to the other, perhaps in a window of "
        + "the steps only, as in 0.5@0.4:1 (default: fitted).", valueName: "0…1[@window]"),
    transform: TargetNull.init(parsing:))
  var nullEmbedding: TargetNull?

  @Option(
    help: ArgumentHelp(
      "Drop this part of the guidance differences, the smallest (ProxEdit; 0.7 is usual).", valueName: "0…1"))
  var proximal: Double?

  @Option(
    help: ArgumentHelp(
      "With --proximal, how far late steps lead unchanged places back to the source (default: 1).",
      valueName: "0…1"))
  var pullBack: Double?

  @Option(
    help: ArgumentHelp(
      "Put the source's latents in place, but for the last part of the steps.", valueName: "0…1"),
    transform: SpatialReplace.init(parsing:))
  var spatialReplace: SpatialReplace?
}
