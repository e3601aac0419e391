internal import Foundation
internal import NullTextInversion

/// An edit as text: a prompt, and the options that differ from the defaults or all of them.
///
/// Written into every picture that an edit makes, and read again with `--recipe`.
struct EditRecipe: Equatable {
  /// The key under which a picture carries one; a contact sheet carries a list of them.
  static let textKey = "nti:recipe"

  /// The new prompt; nil if the recipe leaves it open.
  var prompt: String?
  var options: EditOptions

  /// Reads a recipe: a JSON file, or a picture that an edit has written.
  ///
  /// - Parameter base: has what the recipe leaves out.
  /// - Throws: `InputError`.
  init(contentsOf path: String, over base: EditOptions = EditOptions()) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw InputError(.missing, "There is no recipe \(path).")
    }
    let data = try InputFile(URL(fileURLWithPath: path)).contents()
    var json = data
    if PictureFormat(of: [UInt8](data.prefix(PictureFormat.magicLength))) != nil {
      guard let text = RGBImage.text(in: data)[Self.textKey] else {
        throw InputError(
          .malformed, "The picture \(path) carries no recipe; only one written by `nti edit` does.")
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

  /// What a recipe may say: a prompt, and what edits have options for.
  private static let names = ["prompt"] + EditOptions.storedKeys
  /// What stands in a file beside them.
  private static let bookkeeping = [FileMark.name]

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    // A misspelt option would otherwise be an option not given.
    if let stranger = values.allKeys.map(\.stringValue).sorted().first(where: {
      !(Self.names + Self.bookkeeping).contains($0)
    }) {
      throw InputError(
        .unsupported,
        "\"\(stranger)\" is no option of an edit; there are \(Self.names.joined(separator: ", ")).")
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
