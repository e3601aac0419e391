public import DiffusionCore
public import Foundation

/// A benchmark of edits in the format of PIE-Bench.
///
/// It is a folder with `mapping_file.json`, a JSON object that maps names to records, and with the pictures in
/// `annotation_images`. A record has a picture, its caption, a prompt to edit it with, and the region to edit (X. Ju et
/// al., "Direct Inversion", 2023).
public struct PIEBench: Sendable {
  /// The folder.
  public let folder: URL
  /// The records, in the order of the file.
  public let records: [Record]

  /// A record of the benchmark, which describes one edit.
  public struct Record: Sendable, Equatable {
    /// The name of the record in the file.
    public let id: String
    /// The index of the record in the file, from 0.
    public let index: Int
    /// The path of the picture in `annotation_images`.
    public let imagePath: String
    /// The caption of the picture, without the brackets that mark the differences.
    public let originalPrompt: String
    /// The prompt of the edited picture, without brackets.
    public let editingPrompt: String
    /// The instruction for the edit; empty if the file has none.
    public let instruction: String
    /// The kind of edit, "0" to "9".
    public let category: String
    /// The blended word of the caption, if any.
    public let sourceWord: String?
    /// The blended word of the editing prompt, if any.
    public let targetWord: String?
    /// The start and length of each run of the region to edit.
    public let maskRuns: [Int]
    /// The size of the raster that `maskRuns` refers to; nil for the size of the picture.
    public let maskSize: PixelSize?
    /// The path of the ground truth in the benchmark's folder; nil if it is not known.
    public let answerPath: String?
  }

  /// Reads the records of a benchmark; `picture(of:)` and `answer(to:)` read the pictures.
  ///
  /// In addition to PIE-Bench's fields, a record may have `answer`, the path of the ground truth in the folder, and
  /// `mask_size`, the width and height of the mask's raster.
  ///
  /// - Throws: `InputError` if the folder has no `mapping_file.json`, or the file is not in that format.
  public init(contentsOf folder: URL) throws {
    self.folder = folder
    let url = folder.appending(path: "mapping_file.json")
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw InputError(
        .missing,
        "There is no mapping_file.json in \(folder.path). A benchmark is a folder with that file and annotation_images."
      )
    }
    let fields: [String: RecordFields] = try JSONFile.decode([String: RecordFields].self, from: url)
    let names = try JSONKeys.outermost(of: InputFile(url).contents())
    guard names.count == fields.count else {
      throw InputError(.malformed, "\(url.path) has two records with the same name.")
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
          + "\(shared.key), so their results would have the same name. Give each record its own copy.")
    }
  }

  /// Reads the picture of a record.
  ///
  /// - Throws: `InputError` if it is missing or damaged.
  public func picture(of record: Record) throws -> RGBImage {
    try RGBImage(contentsOf: folder.appending(path: "annotation_images/\(record.imagePath)"))
  }

  /// Reads the ground truth of a record; nil if it is not known.
  ///
  /// - Throws: `InputError` if it is missing or damaged.
  public func answer(to record: Record) throws -> RGBImage? {
    try record.answerPath.map { try RGBImage(contentsOf: folder.appending(path: $0)) }
  }
}

extension PIEBench {
  /// Returns the name of a kind of edit.
  public static func name(ofCategory category: String) -> String {
    let names = [
      "random", "change object", "add object", "delete object", "change content", "change pose",
      "change color",
      "change material", "change background", "change style",
    ]
    return Int(category).flatMap { names.indices.contains($0) ? names[$0] : nil } ?? "category \(category)"
  }

  /// Returns the first `limit` records of some categories.
  ///
  /// - Parameters:
  ///   - categories: The kinds of edit; nil for all.
  ///   - limit: The maximum number of records; nil for all.
  /// - Throws: `InputError(.mismatch)` if one of the categories has no record.
  public func records(ofCategories categories: [String]? = nil, limit: Int? = nil) throws -> [Record] {
    for category in categories ?? [] where !records.contains(where: { $0.category == category }) {
      let known = Set(records.map(\.category)).sorted().joined(separator: ", ")
      throw InputError(
        .mismatch, "No record of \(folder.path) has the category \(category). The categories are: \(known).")
    }
    let chosen = records.filter { categories?.contains($0.category) ?? true }
    return Array(chosen.prefix(limit ?? chosen.count))
  }
}

/// The fields of a record in the file.
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
    // PIE-Bench writes the number as text; a number is accepted as well.
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
        .malformed, "its name cannot be a file name. Results are kept in files with the names of the records."
      )
    }
    for path in [imagePath, answer].compactMap(\.self) where !isInside(path) {
      throw InputError(.malformed, "\"\(path)\" is not in the benchmark's folder.")
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
    else { throw InputError(.malformed, "mask_size must be the width and height of the mask's raster.") }
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
