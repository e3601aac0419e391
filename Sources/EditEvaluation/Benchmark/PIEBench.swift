public import DiffusionCore
public import Foundation

/// A benchmark of edits in the form of PIE-Bench.
///
/// Pictures with captions, prompts to edit them with, and the regions that the edits are about (X. Ju et al., "Direct
/// Inversion", 2023). A folder with `mapping_file.json`, an object of records by their names, and the pictures in
/// `annotation_images`.
public struct PIEBench: Sendable {
  /// The folder.
  public let folder: URL
  /// The edits, in the order of the file.
  public let records: [Record]

  /// One edit.
  public struct Record: Sendable, Equatable {
    /// Its name in the file.
    public let id: String
    /// Where it stands in the file, from 0.
    public let index: Int
    /// The picture's place in `annotation_images`.
    public let imagePath: String
    /// The picture's caption, without the brackets that mark the differences.
    public let originalPrompt: String
    /// What the edited picture shows, without brackets.
    public let editingPrompt: String
    /// The edit in words, for people.
    public let instruction: String
    /// The kind of edit, "0" to "9".
    public let category: String
    /// The word of the caption that the edit is about, if one is named.
    public let sourceWord: String?
    /// The word of the editing prompt that the edit is about, if one is named.
    public let targetWord: String?
    /// Starts and lengths of the runs that make the region to edit.
    public let maskRuns: [Int]
    /// The size of the raster that `maskRuns` count in; nil for the picture's own.
    public let maskSize: PixelSize?
    /// Where the right answer is in the benchmark's folder, if it is known.
    public let answerPath: String?
  }

  /// Reads the records of a benchmark; pictures are read when they are asked for.
  ///
  /// Beside PIE-Bench's fields a record may have `answer`, the place of the right answer in the folder, and
  /// `mask_size`, width and height of the mask's raster.
  ///
  /// - Throws: `InputError` if there is no `mapping_file.json` in the folder, or it is not of that form.
  public init(contentsOf folder: URL) throws {
    self.folder = folder
    let url = folder.appending(path: "mapping_file.json")
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw InputError(
        .missing,
        "There is no mapping_file.json in \(folder.path); a benchmark is a folder with that file and annotation_images."
      )
    }
    let fields: [String: RecordFields] = try JSONFile.decode([String: RecordFields].self, from: url)
    let names = try JSONKeys.outermost(of: InputFile(url).contents())
    guard names.count == fields.count else {
      throw InputError(.malformed, "\(url.path) has two records of one name.")
    }
    records = try names.enumerated().compactMap { index, name in
      do {
        return try fields[name]?.record(id: name, index: index)
      } catch let error as InputError {
        throw InputError(error.kind, "\(url.path), record \(name): \(error.message)")
      }
    }
    let places = Dictionary(grouping: records, by: \.imagePath)
    if let shared = places.first(where: { $1.count > 1 }) {
      throw InputError(
        .malformed,
        "\(url.path): the records \(shared.value.map(\.id).joined(separator: " and ")) share the picture "
          + "\(shared.key), so their results would have one name. Give each a copy of its own.")
    }
  }

  /// The picture of a record.
  ///
  /// - Throws: `InputError` if it is missing or damaged.
  public func picture(of record: Record) throws -> RGBImage {
    try RGBImage(contentsOf: folder.appending(path: "annotation_images/\(record.imagePath)"))
  }

  /// The right answer to a record, if it is known.
  ///
  /// - Throws: `InputError` if it is missing or damaged.
  public func answer(to record: Record) throws -> RGBImage? {
    try record.answerPath.map { try RGBImage(contentsOf: folder.appending(path: $0)) }
  }
}

extension PIEBench {
  /// What a kind of edit is called.
  public static func name(ofCategory category: String) -> String {
    let names = [
      "random", "change object", "add object", "delete object", "change content", "change pose",
      "change color",
      "change material", "change background", "change style",
    ]
    return Int(category).flatMap { names.indices.contains($0) ? names[$0] : nil } ?? "category \(category)"
  }

  /// The first `limit` records of some categories; all of them where nothing is asked for.
  ///
  /// - Throws: `InputError(.mismatch)` if no record has one of the categories.
  public func records(ofCategories categories: [String]? = nil, limit: Int? = nil) throws -> [Record] {
    for category in categories ?? [] where !records.contains(where: { $0.category == category }) {
      let known = Set(records.map(\.category)).sorted().joined(separator: ", ")
      throw InputError(
        .mismatch, "No record of \(folder.path) is of category \(category); there are: \(known).")
    }
    let chosen = records.filter { categories?.contains($0.category) ?? true }
    return Array(chosen.prefix(limit ?? chosen.count))
  }
}

/// A record as it stands in the file.
private struct RecordFields: Decodable {
  let imagePath: String
  let originalPrompt: String
  let editingPrompt: String
  let instruction: String?
  let category: String
  let blendedWord: String?
  let mask: [Int]
  let maskSize: [Int]?
  let answer: String?

  private enum Key: String, CodingKey {
    case imagePath = "image_path", originalPrompt = "original_prompt", editingPrompt = "editing_prompt"
    case instruction = "editing_instruction", category = "editing_type_id", blendedWord = "blended_word"
    case mask, maskSize = "mask_size", answer
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    imagePath = try values.decode(String.self, forKey: .imagePath)
    originalPrompt = try values.decode(String.self, forKey: .originalPrompt)
    editingPrompt = try values.decode(String.self, forKey: .editingPrompt)
    instruction = try values.decodeIfPresent(String.self, forKey: .instruction)
    // PIE-Bench writes the number as text; a number is meant the same.
    let number = try? values.decode(Int.self, forKey: .category)
    category = try number.map(String.init) ?? values.decode(String.self, forKey: .category)
    blendedWord = try values.decodeIfPresent(String.self, forKey: .blendedWord)
    mask = try values.decode([Int].self, forKey: .mask)
    maskSize = try values.decodeIfPresent([Int].self, forKey: .maskSize)
    answer = try values.decodeIfPresent(String.self, forKey: .answer)
  }

  func record(id: String, index: Int) throws -> PIEBench.Record {
    guard isFileName(id) else {
      throw InputError(
        .malformed, "its name cannot be a file's; results are kept in files of the records' names.")
    }
    for path in [imagePath, answer].compactMap(\.self) where !isInside(path) {
      throw InputError(.malformed, "\"\(path)\" does not lie in the benchmark's folder.")
    }
    // Source and target are separated by one space; either may be empty.
    let words = (blendedWord ?? "").split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(
      String.init)
    return PIEBench.Record(
      id: id, index: index, imagePath: imagePath, originalPrompt: withoutBrackets(originalPrompt),
      editingPrompt: withoutBrackets(editingPrompt), instruction: instruction ?? "", category: category,
      sourceWord: words.first.flatMap { $0.isEmpty ? nil : $0 },
      targetWord: words.dropFirst().first.flatMap { $0.isEmpty ? nil : $0 }, maskRuns: mask,
      maskSize: try maskSize.map(pixelSize), answerPath: answer)
  }

  private func pixelSize(_ numbers: [Int]) throws -> PixelSize {
    guard numbers.count == 2, numbers.allSatisfy({ 1...65_536 ~= $0 }),
      numbers[0] * numbers[1] <= RGBImage.pixelLimit
    else { throw InputError(.malformed, "mask_size must be width and height of the mask's raster.") }
    return PixelSize(width: numbers[0], height: numbers[1])
  }

  private func withoutBrackets(_ prompt: String) -> String { prompt.filter { $0 != "[" && $0 != "]" } }

  private func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 200 && !name.hasPrefix(".") && !name.contains { "/\\\0".contains($0) }
  }

  private func isInside(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return !path.contains("\0") && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
  }
}
