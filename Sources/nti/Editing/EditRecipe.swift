internal import Foundation
internal import NullTextInversion

/// An edit as JSON: a prompt and some or all options.
///
/// Every picture that an edit writes contains its recipe; `--recipe` reads it.
struct EditRecipe: Equatable {
  /// The text key of the recipe in a picture; a contact sheet has a list of recipes under it.
  static let textKey = "nti:recipe"

  /// The new prompt; nil if the recipe has none.
  var prompt: String?
  var options: EditOptions

  /// Reads a recipe from a JSON file, or from a picture that an edit wrote.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - base: The values of options that the recipe leaves out.
  /// - Throws: `InputError` if the file is missing or contains no valid recipe.
  init(contentsOf path: String, over base: EditOptions = EditOptions()) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw InputError(.missing, "There is no recipe at \(path).")
    }
    let data = try InputFile(URL(fileURLWithPath: path)).contents()
    var json = data
    if PictureFormat(of: [UInt8](data.prefix(PictureFormat.magicLength))) != nil {
      guard let text = RGBImage.text(in: data)[Self.textKey] else {
        throw InputError(
          .malformed,
          "The picture \(path) contains no recipe. Only pictures written by `nti edit` contain one.")
      }
      json = Data(text.utf8)
    }
    do {
      let decoder = JSONDecoder()
      if let key = EditOptions.base { decoder.userInfo[key] = base }
      self = try decoder.decode(Self.self, from: json)
    } catch let error as InputError {
      throw InputError(error.kind, "The recipe \(path) cannot be used: \(error.message)")
    } catch let error as DecodingError {
      throw InputError(.malformed, "The recipe \(path) cannot be used: it \(JSONFault.sentence(for: error)).")
    }
  }

  init(prompt: String?, options: EditOptions) {
    self.prompt = prompt
    self.options = options
  }
}

extension EditRecipe: Codable {
  private struct Key: CodingKey {
    static let prompt = Key(stringValue: "prompt")
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// The keys of a recipe.
  private static let names = ["prompt"] + EditOptions.storedKeys
  /// The keys of a file that are not part of the recipe.
  private static let bookkeeping = [FileMark.name]

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    // A misspelled key would otherwise be ignored.
    if let stranger = values.allKeys.map(\.stringValue).sorted().first(where: {
      !(Self.names + Self.bookkeeping).contains($0)
    }) {
      throw InputError(
        .unsupported,
        "\"\(stranger)\" is not an option of an edit. The options are \(Self.names.joined(separator: ", ")).")
    }
    prompt = try values.decodeIfPresent(String.self, forKey: .prompt)
    options = try EditOptions(from: decoder)
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encodeIfPresent(prompt, forKey: .prompt)
    try options.encode(to: encoder)
  }
}
