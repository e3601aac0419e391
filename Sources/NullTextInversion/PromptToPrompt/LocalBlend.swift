/// A local blend, which keeps the source outside the regions attended to by given words.
///
/// After each step from `start` on, the target's latent is kept where the words' attention, summed over the steps so
/// far, exceeds `threshold` of its maximum in the source's or the target's maps. Elsewhere the latent is replaced by
/// the source's.
///
/// ```swift
/// let blend = LocalBlend("cat", "tiger")
/// ```
public struct LocalBlend: Sendable, Hashable {
  /// Words of the source prompt and of the target prompt; either list may be empty.
  public struct Words: Sendable, Hashable {
    /// Words or phrases of the source prompt.
    public var source: [String]

    /// Words or phrases of the target prompt.
    public var target: [String]

    /// Creates a selection of words of both prompts.
    public init(source: [String] = [], target: [String] = []) {
      self.source = source
      self.target = target
    }

    /// Whether both lists are empty.
    public var isEmpty: Bool { source.isEmpty && target.isEmpty }

    /// Concatenates both lists.
    public static func + (a: Words, b: Words) -> Words {
      Words(source: a.source + b.source, target: a.target + b.target)
    }
  }

  /// The words whose regions are edited.
  public var words: Words

  /// The words whose regions are excluded from the edit.
  public var subtracted: Words

  /// The share of the maximum attention above which a place belongs to the region; at least 0 and less than 1.
  public var threshold: Double

  /// The share of the maximum attention above which a place is excluded; at least 0 and less than 1.
  public var subtractThreshold: Double

  /// The share of the steps before the first blend, 0 to 1; fractions of a step are truncated.
  public var start: Double

  /// The width of the attention maps at the model's own size; nil for a quarter of the latent's width, as published.
  ///
  /// It selects a level of the network, independent of the size of the image.
  public var grid: Int?

  /// Creates a blend for some words; the defaults are the published ones.
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

  /// Creates a blend for a word of the source prompt and the corresponding word of the target prompt.
  public init(_ source: String, _ target: String) {
    self.init(Words(source: [source], target: [target]))
  }
}

extension LocalBlend {
  /// Checks that there are words and that thresholds and start are in range.
  ///
  /// - Throws: `InputError` of kind `outOfRange` or `mismatch`.
  public func validate() throws {
    guard !words.isEmpty else {
      throw InputError(
        .mismatch, "The local blend has no words. Give at least one word of the source or the target prompt.")
    }
    for (name, value) in [("threshold", threshold), ("subtract threshold", subtractThreshold)] {
      guard 0 <= value, value < 1 else {
        throw InputError(
          .outOfRange, "The \(name) of the local blend is \(value), but must be at least 0 and less than 1.")
      }
    }
    guard 0...1 ~= start else {
      throw InputError(
        .outOfRange,
        "The start of the local blend is \(start), but must be a fraction of the steps between 0 and 1.")
    }
  }

  /// Whether latents are blended after a step of `steps`; step 0 is the noisiest.
  package func isActive(step: Int, of steps: Int) -> Bool { step >= Int(start * Double(steps)) }
}

extension LocalBlend.Words {
  /// Parses a pair of words as written on the command line: `cat,tiger`.
  ///
  /// A single word applies to both prompts. `hat,` applies to the source only, `,hat` to the target only.
  ///
  /// - Throws: `InputError` of kind `malformed` if there is no word or more than two.
  public init(parsing text: String) throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmingSpaces)
    guard 1...2 ~= parts.count, parts.contains(where: { !$0.isEmpty }) else {
      throw InputError(
        .malformed,
        "\"\(text)\" does not give the words to blend. Write the word of the source and that of the target, as in cat,tiger."
      )
    }
    self.init(
      source: [parts[0]].filter { !$0.isEmpty }, target: [parts[parts.count - 1]].filter { !$0.isEmpty })
  }
}

extension LocalBlend.Words: Codable {
  private enum CodingKeys: String, CodingKey { case source, target }

  /// Decodes words; missing keys are empty lists.
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

  /// Decodes a blend; missing keys have the default values.
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
