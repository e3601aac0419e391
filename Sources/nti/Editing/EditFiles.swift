internal import Foundation
internal import NullTextInversion

/// The files that an edit writes, checked by the initializer.
struct EditFiles {
  /// The edited pictures, one per edit.
  let outputs: [OutputFile]
  /// The contact sheet of all variants.
  var sheet: OutputFile?
  var mask: OutputFile?
  var recipe: OutputFile?
  var inversion: OutputFile?

  /// Checks that all files can be written.
  ///
  /// - Parameters:
  ///   - command: The command, which names the files.
  ///   - source: The arguments of the edited inversion.
  ///   - prompts: The prompts of the edits.
  /// - Throws: `UsageError` if a file cannot be written or replaced.
  init(_ command: Edit, of source: InversionArguments, _ prompts: [String]) throws {
    let count = command.common.variants ?? prompts.count
    let overwrite = command.overwrite
    // With --force the photo may be replaced: it is read before anything is written.
    let photo = overwrite.force ? nil : command.further.pasteBack
    let inputs = [command.source, command.settings.region.mask, photo].compactMap(\.self)
    func paths(_ path: String) -> [String] {
      let ending = (path as NSString).pathExtension
      guard count > 1 else { return [path] }
      return (0..<count).map { path.replacingPathExtension(with: "\($0 + 1).\(ending)") }
    }
    let path =
      command.common.output ?? command.source.replacingPathExtension(with: "edit.png").firstFreePath(paths)
    outputs = try paths(path).map { try .picture($0, overwrite, sparing: inputs) }
    if command.common.variants != nil {
      sheet = try .picture(path.replacingPathExtension(with: "variants.png"), overwrite, sparing: inputs)
    }
    let taken = inputs + outputs.map(\.path)
    if let path = command.further.saveMask { mask = try .picture(path, overwrite, sparing: taken) }
    if let path = command.further.saveInversion {
      var arguments = source
      arguments.caption = prompts[0]
      inversion = try OutputFile(inversion: path, overwrite, of: arguments, sparing: taken)
    }
    if let path = command.further.saveRecipe { recipe = try OutputFile(path, overwrite, sparing: taken) }
  }

  /// The files of all pictures.
  var pictures: [OutputFile] { outputs + [mask, sheet].compactMap(\.self) }

  func write(sheet: RGBImage, _ recipes: [EditRecipe]) throws {
    try outputs[0].write(sheet, texts: [EditRecipe.textKey: JSONText.line(recipes)])
  }

  func write(_ images: [RGBImage], _ recipes: [EditRecipe], _ first: EditedImage) throws {
    for (output, (image, recipe)) in zip(outputs, zip(images, recipes)) {
      try output.write(image, texts: [EditRecipe.textKey: JSONText.line(recipe)])
    }
    try recipe?.write(json: JSONText.indented(recipes[0]))
    if let inversion { try first.inverted.inversion.write(to: inversion.url) }
    if let mask, let found = first.mask { try mask.write(found.picture) }
  }
}
