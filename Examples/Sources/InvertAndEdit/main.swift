// Inverts a photo and replaces the animal in it: the main use of the library in five lines.
//
//     swift run -c release --package-path Examples InvertAndEdit [folder]

import EmojiScenes
import Foundation
import NullTextInversion

let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? ".", isDirectory: true)
let photoURL = try EmojiScenes.picture("600000000051")

let editor = try await ImageEditor(model: .emojiScenes)
let photo = try RGBImage(contentsOf: photoURL)
let inverted = try await editor.invert(image: photo, caption: "a fox next to a strawberry on sand")
try inverted.inversion.write(to: folder.appendingPathComponent("fox.nti"))

// The model's recommended edit settings.
let cat = try await inverted.edit(
  prompt: "a cat next to a strawberry on sand", options: editor.recommendation.editOptions)
try cat.image.write(to: folder.appendingPathComponent("cat.png"))

print(
  "The photo is reproduced at \(inverted.inversion.psnr) dB; cat.png and fox.nti are in \(folder.path).")
