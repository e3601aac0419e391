public import Foundation

/// A tokenizer that converts text to the tokens of CLIP's vocabulary, as transformers' `CLIPTokenizer` does.
///
/// ```swift
/// let tokenizer = try CLIPTokenizer(folder: checkpointURL.appending(path: "tokenizer"))
/// let ids = try tokenizer.encode("a photo of a cat").ids  // [49406, 320, 1125, 539, 320, 2368, 49407]
/// ```
public struct CLIPTokenizer: Sendable {
  /// The token at the start of every text.
  public let startID: Int

  /// The token at the end of every text.
  public let endID: Int

  /// The token that pads a text to the length of the encoder's input.
  public let paddingID: Int

  /// The length of the encoder's input in tokens, including the start and end tokens.
  public let maximumLength: Int

  private let encoder: BytePairEncoder
  private let exactTokens: AddedTokenFinder
  private let normalizedTokens: AddedTokenFinder
  private let tokens: [Int: String]

  /// Creates the tokenizer of a checkpoint.
  ///
  /// - Throws: `InputError` if a file of the tokenizer is missing or damaged.
  public init(_ checkpoint: Checkpoint) throws { self = try checkpoint.tokenizer() }

  /// Creates a tokenizer from a folder with `vocab.json` and `merges.txt`, or with `tokenizer.json`.
  ///
  /// - Throws: `InputError` if a file of the tokenizer is missing or damaged.
  public init(folder: URL) throws {
    try self.init(TokenizerFiles(folder), path: folder.path)
  }

  /// - Parameters:
  ///   - files: The contents of the tokenizer's files.
  ///   - path: The path for messages.
  /// - Throws: `InputError` if the merges do not match the vocabulary.
  init(_ files: TokenizerFiles, path: String) throws {
    startID = files.startID
    endID = files.endID
    paddingID = files.paddingID
    maximumLength = files.maximumLength
    encoder = try BytePairEncoder(
      vocabulary: files.vocabulary, merges: files.merges, unknown: files.unknownID, path: path)
    exactTokens = AddedTokenFinder(
      files.addedTokens.filter { !$0.isNormalized }.map { (Array($0.content.unicodeScalars), $0.id) })
    normalizedTokens = AddedTokenFinder(
      files.addedTokens.filter(\.isNormalized)
        .map { (NormalizedText($0.content.unicodeScalars).scalars, $0.id) })
    var tokens = Dictionary(files.vocabulary.map { ($1, $0) }) { first, _ in first }
    for token in files.addedTokens { tokens[token.id] = token.content }
    self.tokens = tokens
  }

  /// Returns the tokens of a text with the start and end tokens, and the range of the text that each came from.
  ///
  /// - Throws: `InputError(.outOfRange)` if there are more tokens than the encoder reads.
  public func encode(_ text: String) throws -> TokenizedPrompt {
    let prompt = tokenize(text)
    guard prompt.count <= maximumLength else {
      let cut = prompt.ranges[max(0, maximumLength - 2)].upperBound
      let kept = String(String.UnicodeScalarView(text.unicodeScalars.prefix(cut).suffix(40)))
      throw InputError(
        .outOfRange,
        "The text has \(prompt.count) tokens with start and end, but the model reads \(maximumLength). "
          + "It would be cut after \"…\(kept)\". Make it shorter.")
    }
    return prompt
  }

  /// Returns the tokens of a text of any length.
  package func tokenize(_ text: String) -> TokenizedPrompt {
    var ids = [startID]
    var ranges = [0..<0]
    let scalars = Array(text.unicodeScalars)
    for piece in exactTokens.pieces(of: scalars) {
      if let id = piece.id {
        ids.append(id)
        ranges.append(piece.range)
      } else {
        let normalized = NormalizedText(scalars[piece.range], start: piece.range.lowerBound)
        append(normalized, to: &ids, &ranges)
      }
    }
    ids.append(endID)
    ranges.append(scalars.count..<scalars.count)
    return TokenizedPrompt(text: text, ids: ids, ranges: ranges)
  }

  private func append(_ text: NormalizedText, to ids: inout [Int], _ ranges: inout [Range<Int>]) {
    func source(_ range: Range<Int>) -> Range<Int> {
      text.sources[range.lowerBound].lowerBound..<text.sources[range.upperBound - 1].upperBound
    }
    for piece in normalizedTokens.pieces(of: text.scalars) {
      if let id = piece.id {
        ids.append(id)
        ranges.append(source(piece.range))
        continue
      }
      for word in WordSplitter.words(of: Array(text.scalars[piece.range])) {
        let word = word.lowerBound + piece.range.lowerBound..<word.upperBound + piece.range.lowerBound
        // The index of the scalar that each byte belongs to.
        let owners = word.flatMap { Array(repeating: $0, count: UTF8.width(text.scalars[$0])) }
        let bytes = word.flatMap { UTF8.encode(text.scalars[$0]).map(Array.init) ?? [] }
        var first = 0
        for (id, byteCount) in encoder.encode(bytes) {
          ids.append(id)
          ranges.append(source(owners[first]..<owners[first + byteCount - 1] + 1))
          first += byteCount
        }
      }
    }
  }

  /// Returns the tokens of a text, padded to `maximumLength`: the input of the text encoder.
  ///
  /// - Throws: `InputError(.outOfRange)` if there are more tokens than that.
  public func paddedIDs(of text: String) throws -> [Int] { paddedIDs(of: try encode(text)) }

  /// Returns the tokens of a text, padded to `maximumLength`.
  public func paddedIDs(of prompt: TokenizedPrompt) -> [Int] {
    prompt.ids + Array(repeating: paddingID, count: max(0, maximumLength - prompt.count))
  }

  /// Returns the text of one token, without surrounding spaces.
  ///
  /// Incomplete UTF-8 sequences become U+FFFD. An id that is not in the vocabulary has an empty text.
  public func decode(_ id: Int) -> String {
    guard let token = tokens[id] else { return "" }
    let text = String(decoding: ByteAlphabet.bytes(of: token), as: UTF8.self)
    var scalars = text.replacing(BytePairEncoder.endOfWord, with: " ").unicodeScalars[...]
    func isBlank(_ scalar: Unicode.Scalar?) -> Bool {
      // White space as defined by Python's `strip`.
      scalar.map { $0.properties.isWhitespace || ("\u{1c}"..."\u{1f}").contains($0) } ?? false
    }
    while isBlank(scalars.first) { scalars.removeFirst() }
    while isBlank(scalars.last) { scalars.removeLast() }
    return String(scalars)
  }
}
