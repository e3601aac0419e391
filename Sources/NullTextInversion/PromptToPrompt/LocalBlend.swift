/// Keeps the source picture outside the regions that some words attend to.
///
/// After each step (from `start` on) the target's latent is kept where the words' attention, gathered over the steps so
/// far, exceeds `threshold` of its maximum, in the source's maps or in the target's; elsewhere the source's latent is put back.
///
///     let blend = LocalBlend("cat", "tiger")
public struct LocalBlend: Sendable, Hashable {
  /// Words of the source prompt and words of the target prompt; either may be none.
  public struct Words: Sendable, Hashable {
    /// Words, or groups of words that follow each other, of the source prompt.
    public var source: [String]

    /// Words, or groups of words that follow each other, of the target prompt.
    public var target: [String]

    /// Words of either prompt.
    public init(source: [String] = [], target: [String] = []) {
      self.source = source
      self.target = target
    }

    /// Whether there is no word.
    public var isEmpty: Bool { source.isEmpty && target.isEmpty }

    /// The words of both.
    public static func + (a: Words, b: Words) -> Words {
      Words(source: a.source + b.source, target: a.target + b.target)
    }
  }

  /// The words whose regions are edited.
  public var words: Words

  /// The words whose regions are left alone even there.
  public var subtracted: Words

  /// The share of its maximum that the words' attention must exceed; 0 to below 1.
  public var threshold: Double

  /// The share of its maximum that the subtracted words' attention must exceed; 0 to below 1.
  public var subtractThreshold: Double

  /// The part of the steps before the first blend, 0 to 1, cut off to whole steps.
  public var start: Double

  /// The width of the attention maps that are gathered, as it is at the model's own size; nil for the level at a quarter of
  /// the latent's sides, as published.
  ///
  /// It names a level of the network, whatever the size of the picture.
  public var grid: Int?

  /// A blend around some words; the defaults are the published ones.
  public init(
    _ words: Words, subtracting subtracted: Words = Words(), threshold: Double = 0.3,
    subtractThreshold: Double = 0.3, start: Double = 0.2, grid: Int? = nil
  ) {
    self.words = words
    self.subtracted = subtracted
    self.threshold = threshold
    self.subtractThreshold = subtractThreshold
    self.start = start
    self.grid = grid
  }

  /// A blend around a word of the source prompt and the word of the target prompt that stands for it.
  public init(_ source: String, _ target: String) {
    self.init(Words(source: [source], target: [target]))
  }
}

extension LocalBlend {
  /// Checks that thresholds and start make sense and that there is a word.
  ///
  /// - Throws: `InputError` of kind `outOfRange` or `mismatch` that says what is wrong.
  public func validate() throws {
    guard !words.isEmpty else {
      throw InputError(
        .mismatch, "A local blend has no words; name at least one of the source or the target prompt.")
    }
    for (name, value) in [("threshold", threshold), ("subtract threshold", subtractThreshold)] {
      guard 0 <= value, value < 1 else {
        throw InputError(
          .outOfRange, "The \(name) of a local blend is \(value); it must be from 0 to below 1.")
      }
    }
    guard 0...1 ~= start else {
      throw InputError(
        .outOfRange, "The start of a local blend is \(start); give a fraction of the steps, 0 to 1.")
    }
  }

  /// Whether the latents are blended after a step (0 is the noisiest) of `steps`.
  package func isActive(step: Int, of steps: Int) -> Bool { step >= Int(start * Double(steps)) }
}

extension LocalBlend.Words {
  /// A pair of words as written on the command line: `cat,tiger`.
  ///
  /// A single word stands for both prompts, and `hat,` or `,hat` for the source's or the target's alone.
  ///
  /// - Throws: `InputError` of kind `malformed` if there is no word or more than two.
  public init(parsing text: String) throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmingSpaces)
    guard 1...2 ~= parts.count, parts.contains(where: { !$0.isEmpty }) else {
      throw InputError(
        .malformed,
        "\"\(text)\" does not name the words to blend; write the source's and the target's word like cat,tiger."
      )
    }
    self.init(
      source: [parts[0]].filter { !$0.isEmpty }, target: [parts[parts.count - 1]].filter { !$0.isEmpty })
  }
}

extension LocalBlend.Words: Codable {
  private enum CodingKeys: String, CodingKey { case source, target }

  /// Reads words; the words of a prompt that is absent are none.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      source: try values.decodeIfPresent([String].self, forKey: .source) ?? [],
      target: try values.decodeIfPresent([String].self, forKey: .target) ?? [])
  }
}

extension LocalBlend: Codable {
  private enum CodingKeys: String, CodingKey {
    case words, subtracted, threshold, subtractThreshold, start, grid
  }

  /// Reads a blend; what is absent has its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(try values.decode(Words.self, forKey: .words))
    subtracted = try values.decodeIfPresent(Words.self, forKey: .subtracted) ?? subtracted
    threshold = try values.decodeIfPresent(Double.self, forKey: .threshold) ?? threshold
    subtractThreshold =
      try values.decodeIfPresent(Double.self, forKey: .subtractThreshold) ?? subtractThreshold
    start = try values.decodeIfPresent(Double.self, forKey: .start) ?? start
    grid = try values.decodeIfPresent(Int.self, forKey: .grid)
  }
}
